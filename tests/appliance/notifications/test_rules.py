"""When somebody is told: quiet hours, the on-call order, and how long a broken destination is left alone."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.notifications import rules
from appliance.notifications.errors import PreferencesRefusedError
from appliance.notifications.records import Channel, Kind, Preferences, Severity

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia")
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds it
MINUTES = st.integers(0, rules.DAY_MINUTES - 1)
PREFERENCES = st.builds(
    lambda begin, end, zone: Preferences(quiet_from=begin, quiet_until=end, time_zone=zone),
    MINUTES, MINUTES, st.sampled_from(ZONES),
)  # fmt: skip
NIGHT = Preferences(quiet_from=22 * 60, quiet_until=7 * 60, time_zone="Europe/Berlin")
PEOPLE = [UUID(int=number) for number in range(1, 9)]


@given(PREFERENCES, MOMENTS)
def test_quiet_hours_end_within_a_day_or_two(preferences: Preferences, moment: datetime) -> None:
    """Whatever the zone does with its clocks: later or now, never in quiet hours, and soon."""
    heard = rules.heard_at(preferences, Severity.NORMAL, moment)
    assert heard >= moment
    assert not rules.is_quiet(preferences, heard)
    assert heard - moment <= timedelta(hours=26)
    assert (heard == moment) == (not rules.is_quiet(preferences, moment))


def test_the_night_is_the_persons_own() -> None:
    """23:30 in Berlin is quiet in winter and summer; high severity wakes whoever allows it."""
    winter, summer = datetime(2026, 1, 5, 22, 30, tzinfo=UTC), datetime(2026, 7, 5, 21, 30, tzinfo=UTC)
    assert rules.heard_at(NIGHT, Severity.NORMAL, winter) == datetime(2026, 1, 6, 6, tzinfo=UTC)
    assert rules.heard_at(NIGHT, Severity.NORMAL, summer) == datetime(2026, 7, 6, 5, tzinfo=UTC)
    assert rules.heard_at(NIGHT, Severity.HIGH, winter) == winter
    sleeper = Preferences(quiet_from=22 * 60, quiet_until=7 * 60, time_zone="Europe/Berlin", wakes_for_high=False)
    assert rules.heard_at(sleeper, Severity.HIGH, winter) > winter


@given(
    st.lists(st.sampled_from(PEOPLE), unique=True),
    st.integers(1, 4),
    st.integers(30, 7 * 86_400),
    st.sets(st.sampled_from(PEOPLE)),
    st.integers(1, 90_000),
)
def test_the_order_is_kept_and_everybody_has_a_turn(
    people: list[UUID], at_once: int, seconds: int, asleep: set[UUID], sleeps: int
) -> None:
    """Each in order, the first at once, nobody after the ask has ended, and whoever sleeps delays nobody."""
    created = datetime(2026, 3, 1, tzinfo=UTC)
    expires, wakes = created + timedelta(seconds=seconds), created + timedelta(seconds=sleeps)

    def heard(person: UUID, moment: datetime) -> datetime:
        return max(moment, wakes) if person in asleep else moment

    ordered, others = people[: len(people) // 2], people[len(people) // 2 :]
    turns = rules.turns(ordered, others, at_once=at_once, created_at=created, expires_at=expires, heard=heard)
    assert [turn.person for turn in turns] == people
    assert all(turn.due_at is None or created <= turn.due_at < expires for turn in turns)
    awake = [turn for turn in turns if turn.person not in asleep]
    assert [turn.due_at for turn in awake] == sorted(turn.due_at for turn in awake if turn.due_at)
    if awake:
        assert awake[0].due_at == created
        assert all(turn.due_at is None for turn in turns) or len({turn.person for turn in turns}) == len(turns)


def test_each_one_waits_half_of_what_is_left() -> None:
    """An hour: at once, after 30 minutes, after 45; then everybody who is not in the order."""
    created = datetime(2026, 3, 1, tzinfo=UTC)
    turns = rules.turns(
        PEOPLE[:3], PEOPLE[3:5], at_once=1, created_at=created, expires_at=created + timedelta(hours=1),
        heard=lambda _person, moment: moment,
    )  # fmt: skip
    minutes = [(turn.due_at - created).total_seconds() / 60 for turn in turns if turn.due_at]
    assert minutes == [0, 30, 45, 52.5, 52.5]
    assert [turn.step for turn in turns] == [0, 1, 2, 3, 3]


def test_without_an_order_everybody_hears_at_once() -> None:
    """There is nobody to wait for."""
    created = datetime(2026, 3, 1, tzinfo=UTC)
    turns = rules.turns(
        [], PEOPLE, at_once=1, created_at=created, expires_at=created + timedelta(hours=1),
        heard=lambda _person, moment: moment,
    )  # fmt: skip
    assert {turn.due_at for turn in turns} == {created}


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_waits_grow_to_an_hour_and_differ(failures: int, jitter: float) -> None:
    """Never nothing, never much more than an hour, and not the same for everybody."""
    wait = rules.wait_after(failures, jitter)
    assert timedelta(seconds=3) < wait <= timedelta(minutes=75)
    assert rules.wait_after(failures + 1, jitter) >= wait


@pytest.mark.parametrize(
    "refused",
    [
        Preferences(quiet_from=0), Preferences(quiet_until=5), Preferences(quiet_from=-1, quiet_until=3),
        Preferences(quiet_from=0, quiet_until=1440), Preferences(time_zone=""), Preferences(time_zone="Mars/Base"),
        Preferences(time_zone="../../etc/passwd"), Preferences(time_zone="/etc/localtime"),
        Preferences(time_zone="UTC\0"), Preferences(time_zone="a" * 10_000), Preferences(muted=frozenset({"x:y"})),
        Preferences(muted=frozenset({"email:break_glass"})), Preferences(muted=frozenset({"webhook:ask.opened"})),
    ],
)  # fmt: skip
def test_preferences_that_mean_nothing_are_refused(refused: Preferences) -> None:
    """Also those that would silence what nobody can do without."""
    with pytest.raises(PreferencesRefusedError):
        rules.prepare(refused)


def test_a_muted_pair_silences_that_pair_alone() -> None:
    """The glass is heard of by every channel."""
    kept = rules.prepare(Preferences(muted=frozenset({"email:ask.opened"})))
    assert not rules.wants(kept, Channel.EMAIL, Kind.ASK_OPENED)
    assert rules.wants(kept, Channel.NTFY, Kind.ASK_OPENED)
    assert rules.wants(kept, Channel.EMAIL, Kind.DIRECTORY_HELD)
