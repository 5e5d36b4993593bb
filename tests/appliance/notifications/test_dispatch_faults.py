"""Sending while something is broken: a row, an address, a key, the database; each concerns itself alone."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from appliance.actions.records import AskTerms
from appliance.database.connection import current_connection, open_connection
from appliance.database.transaction import transaction
from appliance.identity.records import Role
from appliance.identity.sealing import Sealer
from appliance.notifications import claims, log
from appliance.notifications.planning import Planner
from appliance.notifications.records import DeliveryState
from tests.support.asks import opened
from tests.support.notifying import Telling, somebody, states
from tests.support.people import ledger_events
from tests.support.postgres import TestDatabase

TERMS = AskTerms(roles=("approver",))


async def test_a_row_that_cannot_be_read_silences_no_other(committed_database: TestDatabase) -> None:
    """One of a kind that this release does not know is a dead letter, and the person hears of the ask."""
    telling = Telling()
    phone = await telling.phone(await somebody(Role.APPROVER))
    await opened(telling.approvals, TERMS)
    await telling.planner.plan(telling.now)
    async with transaction():
        await current_connection().execute(
            "WITH n AS (INSERT INTO notification (id, kind, name, created_at, expires_at, planned_at) "
            "VALUES (gen_random_uuid(), 'from.the.future', '', $1, $2, $1) RETURNING id) "
            "INSERT INTO notification_delivery (id, notification, kind, name, channel, destination, state, step, "
            "created_at, due_at, expires_at, attempts, outcome) "
            "SELECT gen_random_uuid(), id, 'from.the.future', '', 'web_push', $3, 'waiting', 0, $1, $1, $2, 0, '' "
            "FROM n",
            telling.now, telling.now + timedelta(hours=1), phone,
        )  # fmt: skip
    await telling.after()
    assert telling.outside.kinds(phone) == ["ask.opened"]
    assert await states() == ["dead", "sent"]
    assert (await ledger_events())["delivery.dead"] == 1


async def test_a_channel_that_nobody_knows_ends_when_it_is_too_late(committed_database: TestDatabase) -> None:
    """Together with everything else that is too late, and the ledger has it."""
    telling = Telling()
    await telling.phone(await somebody(Role.APPROVER))
    await telling.webhook("ask.opened")
    await opened(telling.approvals, TERMS)
    await telling.planner.plan(telling.now)
    async with transaction():
        await current_connection().execute(
            "UPDATE notification_delivery SET channel = 'pigeon' WHERE channel = 'webhook'"
        )
    assert await claims.end_late(telling.now + timedelta(hours=25)) == 2
    assert await states() == ["dead", "withdrawn"]
    assert (await ledger_events())["delivery.dead"] == 1


async def test_what_fails_before_it_is_sent_concerns_itself_alone(committed_database: TestDatabase) -> None:
    """An address that cannot be opened stops nothing that is under way, and is tried again."""
    telling = Telling(attempts_max=2)
    broken, lively = [await telling.phone(await somebody(Role.APPROVER)) for _ in range(2)]
    sealed = Sealer(b"s" * 32, os.urandom).seal("no fields", f"address:{broken}")
    async with transaction():
        await current_connection().execute("UPDATE notification_address SET sealed = $2 WHERE id = $1", broken, sealed)
    await opened(telling.approvals, TERMS)
    await telling.after()
    assert telling.outside.kinds() == telling.outside.kinds(lively) == ["ask.opened"]
    assert await states() == ["sent", "waiting"]


async def test_what_cannot_be_written_down_stops_no_other(committed_database: TestDatabase) -> None:
    """A delivery that was taken and could not be marked is sent again after its claim; the others go on meanwhile."""
    telling = Telling()
    stuck, lively = [await telling.phone(await somebody(Role.APPROVER)) for _ in range(2)]
    await opened(telling.approvals, TERMS)
    async with not_marked(committed_database, stuck):
        await telling.after()
        assert telling.outside.kinds(lively) == ["ask.opened"]
        assert await states() == ["sent", "waiting"]
    await telling.after(seconds=61)
    assert telling.outside.kinds(stuck) == ["ask.opened", "ask.opened"]
    assert await states() == ["sent", "sent"]


@asynccontextmanager
async def not_marked(database: TestDatabase, destination: UUID) -> AsyncIterator[None]:
    """Meanwhile the database refuses to mark what went to this destination as sent."""
    owner = await open_connection(database.owner_url)
    try:
        check = f"CHECK (destination <> '{destination}' OR state <> 'sent')"
        await owner.execute(f"ALTER TABLE notification_delivery ADD CONSTRAINT not_marked {check}")
        yield
        await owner.execute("ALTER TABLE notification_delivery DROP CONSTRAINT not_marked")
    finally:
        await owner.close()


async def test_a_plan_that_fails_keeps_nothing_from_being_sent(committed_database: TestDatabase) -> None:
    """What was planned before goes out all the same."""
    telling = Telling()
    phone = await telling.phone(await somebody(Role.APPROVER))
    await opened(telling.approvals, TERMS)
    await telling.planner.plan(telling.now)
    telling.planner = BrokenPlanner(is_mail_on=False, asks_per_hour=1, webhook_hours=1)
    await telling.dispatcher_with(telling.outside).run()
    assert telling.outside.kinds(phone) == ["ask.opened"]


class BrokenPlanner(Planner):
    """Fails whatever there is to plan."""

    async def plan(self, now: datetime, *, limit: int = 100) -> int:
        """Fail."""
        raise asyncpg.DataError(f"{limit} rows cannot be planned at {now}")


async def test_with_another_key_nothing_ends_in_silence(committed_database: TestDatabase) -> None:
    """What was sealed by another key is a dead letter, of which administrators hear."""
    telling = Telling()
    await telling.webhook("ask.opened")
    await telling.phone(await somebody(Role.APPROVER))
    stranger = Telling(key=b"t")
    phone = await stranger.phone(await somebody(Role.ADMINISTRATOR))
    await opened(telling.approvals, TERMS)
    await stranger.after()
    await stranger.after()
    dead = await log.deliveries(state=DeliveryState.DEAD)
    assert sorted((each.channel, each.outcome) for each in dead) == [
        ("web_push", "sealed with another key"), ("webhook", "sealed with another key"),
    ]  # fmt: skip
    assert (await ledger_events())["delivery.dead"] == 2
    assert stranger.outside.kinds(phone) == ["delivery.dead"]
