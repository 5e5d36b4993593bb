"""What is told is written with what it tells of, or not at all."""

from datetime import timedelta

import pytest

from appliance.approvals.service import Approvals
from appliance.database.connection import read_connection
from appliance.database.transaction import transaction
from appliance.identity.break_glass.records import Notice as GlassNotice
from appliance.notifications.notices import AskNotices, DirectoryAlarm, GlassAlarm
from tests.support.asks import KEY, MACHINE, approver, deny, new_ask, opened
from tests.support.decisions import NOON
from tests.support.postgres import TestDatabase


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


async def test_the_glass_is_told_of(rolled_back_database: TestDatabase) -> None:
    """Every time."""
    for _ in range(2):
        await GlassAlarm().tell(GlassNotice(event="break_glass.opened", said="The glass is broken.", at=NOON))
    assert [kind for kind, _ in await outbox()] == ["break_glass"] * 2
