"""The pace of refusals: by what attempts took lately, never by the one that is refused."""

from appliance.identity.pace import FLOOR_SECONDS, Pace
from tests.support.directory_sign_in import StillTime


async def taken(pace: Pace, time: StillTime, seconds: float) -> float:
    started = pace.start()
    time.now += seconds
    await pace.even_out(started)
    return round(time.now - started, 6)


async def test_short_and_long_attempts_end_alike() -> None:
    """At the floor as long as nothing is known."""
    time = StillTime()
    pace = time.pace()
    assert [await taken(pace, time, seconds) for seconds in (0.0, 0.01, 0.2, FLOOR_SECONDS)] == [FLOOR_SECONDS] * 4


async def test_the_moment_follows_the_directory() -> None:
    """Nearly all attempts of late are done by then; one slow answer among them moves nothing."""
    time = StillTime()
    pace = time.pace()
    for seconds in [0.4, 0.5, 0.6] * 11 + [9.0]:
        started = pace.start()
        time.now += seconds
        pace.learn(started)
    assert round(pace.seconds, 6) == 0.6
    assert await taken(pace, time, 0.01) == 0.6


async def test_what_takes_longer_waits_for_a_multiple() -> None:
    """Its own length shows in steps alone."""
    time = StillTime()
    pace = time.pace()
    assert [await taken(pace, time, seconds) for seconds in (0.3, 0.45, 0.7)] == [0.5, 0.5, 0.75]
