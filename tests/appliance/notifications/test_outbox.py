"""What is told is written with what it tells of, or not at all."""

from datetime import timedelta

import pytest

from appliance.approvals.service import Approvals
from appliance.database.connection import read_connection
from appliance.database.transaction import transaction
from appliance.identity.break_glass.records import Notice as GlassNotice
from appliance.identity.directories.sync import DirectorySync
from appliance.notifications.notices import AskNotices, DirectoryAlarm, GlassAlarm
from tests.support.asks import KEY, MACHINE, approver, deny, new_ask, opened
from tests.support.decisions import NOON
from tests.support.fake_directory import FakeDirectory, Fault
from tests.support.postgres import TestDatabase
from tests.support.syncing import Hands, settings


async def outbox() -> list[tuple[str, object]]:
    """Kind and subject of everything in the outbox, oldest first."""
    async with read_connection() as connection:
        rows = await connection.fetch("SELECT kind, about FROM notification ORDER BY id")
    return [(row["kind"], row["about"]) for row in rows]


class _Broken(Exception):  # noqa: N818 - a fault of the test's own
    """Ends a transaction."""


async def test_an_ask_and_its_notice_commit_together(committed_database: TestDatabase) -> None:
    """One that was rolled back leaves no row; one that was committed leaves one, and one more when it ends."""
    approvals = Approvals(KEY, AskNotices(), mask=str)

    async def broken() -> None:
        async with transaction():
            assert await approvals.open(new_ask(), MACHINE)
            raise _Broken

    with pytest.raises(_Broken):
        await broken()
    assert await outbox() == []
    ask = await opened(approvals)
    assert await outbox() == [("ask.opened", ask.id)]
    await deny(approvals, ask, approver())
    assert await outbox() == [("ask.opened", ask.id), ("ask.ended", ask.id)]


async def test_expiry_is_told_too(rolled_back_database: TestDatabase) -> None:
    """So that phones take down what nobody can answer any more."""
    approvals = Approvals(KEY, AskNotices(), mask=str)
    ask = await opened(approvals, seconds=60)
    assert await approvals.expire_due(NOON + timedelta(minutes=2)) == 1
    assert (await outbox())[-1] == ("ask.ended", ask.id)


async def test_a_directory_that_fails_is_told_of_once_a_day(rolled_back_database: TestDatabase) -> None:
    """A run every other minute would bury everything else."""
    for hours in (0, 1, 2, 24):
        await DirectoryAlarm().failing("corp", NOON + timedelta(hours=hours))
    assert [kind for kind, _ in await outbox()] == ["directory.failing"] * 2


async def test_a_run_that_waits_for_a_person_is_told_of(committed_database: TestDatabase) -> None:
    """Held at the brake, and not again for the same run; a directory that cannot be read is told of too."""
    corp, hands = FakeDirectory("corp"), Hands()
    kept = settings(brake_percent=10, brake_people=25)
    sync = DirectorySync(corp, kept, hands, DirectoryAlarm())
    corp.add("ann", "ben", "cyd")
    await sync.run()
    assert await outbox() == []
    for key in list(corp.users):
        corp.change(key, is_disabled=True)
    hands.forward(minutes=2)
    held = await sync.run()
    hands.forward(minutes=2)
    await sync.run()
    assert await outbox() == [("directory.held", held.id)]
    corp.fault = Fault.ERROR
    hands.forward(minutes=2)
    await sync.run()
    assert [kind for kind, _ in await outbox()] == ["directory.held", "directory.failing"]


async def test_the_glass_is_told_of(rolled_back_database: TestDatabase) -> None:
    """Every time."""
    for _ in range(2):
        await GlassAlarm().tell(GlassNotice(event="break_glass.opened", said="The glass is broken.", at=NOON))
    assert [kind for kind, _ in await outbox()] == ["break_glass"] * 2
