"""Numbers of many days are read once in a while, however often clients ask for them."""

from datetime import UTC, datetime, timedelta

from appliance.clients.records import SessionSpans, Viewer
from appliance.clients.remembered import SPANS_KEPT, TALLIES_KEPT, VIEWERS_MAX, Remembered
from appliance.database.identifiers import uuid7

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Loading:
    """Counts how often it is asked; each answer is another one."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self, _viewer: Viewer, _now: datetime) -> SessionSpans:
        self.asked += 1
        return SessionSpans(**dict.fromkeys(SessionSpans.__struct_fields__, self.asked))


async def test_each_viewer_has_numbers_of_their_own() -> None:
    """A person and a machine are never given each other's; within five minutes nobody reads again."""
    loading = Loading()
    remembered, ada, machine = Remembered(loading, SPANS_KEPT), Viewer(person_id=uuid7()), Viewer(machine_id=uuid7())
    assert (await remembered.of(ada, NOON)).today_sessions == 1
    assert (await remembered.of(machine, NOON)).today_sessions == 2
    assert (await remembered.of(ada, NOON + SPANS_KEPT - timedelta(seconds=1))).today_sessions == 1
    assert (await remembered.of(ada, NOON + SPANS_KEPT)).today_sessions == 3


async def test_a_clock_that_went_back_is_no_reason_to_keep_numbers_for_ever() -> None:
    """What was kept until a moment far ahead is read again."""
    loading = Loading()
    remembered, ada = Remembered(loading, SPANS_KEPT), Viewer(person_id=uuid7())
    await remembered.of(ada, NOON + timedelta(days=1))
    assert (await remembered.of(ada, NOON)).today_sessions == 2


async def test_memory_is_bounded() -> None:
    """More viewers than are kept empty it, and each is answered."""
    loading = Loading()
    remembered = Remembered(loading, SPANS_KEPT)
    for _ in range(VIEWERS_MAX + 5):
        await remembered.of(Viewer(person_id=uuid7()), NOON)
    assert loading.asked == VIEWERS_MAX + 5
    assert len(remembered._kept) == 5


async def test_what_is_fetched_all_the_time_is_read_once_in_ten_seconds() -> None:
    """An overview that a client asks for a thousand times costs what one costs; soon after it is read anew."""
    loading = Loading()
    remembered, ada = Remembered(loading, TALLIES_KEPT), Viewer(person_id=uuid7())
    for _ in range(1_000):
        await remembered.of(ada, NOON)
    assert loading.asked == 1
    await remembered.of(ada, NOON + timedelta(seconds=10))
    assert loading.asked == 2
