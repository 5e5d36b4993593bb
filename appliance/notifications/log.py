"""The delivery log: who was told, by what, when, and what came of it; and dead letters sent on their way again."""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from appliance.database.connection import current_connection, read_connection
from appliance.database.transaction import transaction
from appliance.ledger.records import Actor, LedgerEntry
from appliance.ledger.service import append
from appliance.notifications import events
from appliance.notifications.errors import DeliveryUnknownError
from appliance.notifications.records import Delivery, DeliveryState

PAGE: Final = 50
_LIST: Final = """
SELECT id, notification, kind, about, person, channel, destination, state, step, created_at, due_at, ended_at,
  attempts, outcome FROM notification_delivery
WHERE ($1::uuid IS NULL OR person = $1) AND ($2::text IS NULL OR state = $2) AND ($3::uuid IS NULL OR id < $3)
ORDER BY id DESC LIMIT $4
"""
_REPLAY: Final = """
UPDATE notification_delivery SET state = 'waiting', attempts = 0, due_at = $2, expires_at = $3, ended_at = NULL,
  outcome = ''
WHERE id = $1 AND state = 'dead' AND channel IN ('webhook', 'slack', 'teams') RETURNING destination
"""


async def deliveries(
    *,
    person: UUID | None = None,
    state: DeliveryState | None = None,
    before: UUID | None = None,
    limit: int = PAGE,
) -> tuple[Delivery, ...]:
    """The log, newest first; of one person, or in one state; `before` is the last id of the previous page."""
    async with read_connection() as connection:
        rows = await connection.fetch(_LIST, person, None if state is None else state.value, before, limit)
    return tuple(_delivery(row) for row in rows)


async def replay(actor: Actor, delivery: UUID, hours: int, now: datetime) -> None:
    """Send a dead letter of a webhook or chat on its way again, with the same identifier.

    Raises:
        DeliveryUnknownError: there is no such dead letter.
    """
    async with transaction():
        connection = current_connection()
        destination = await connection.fetchval(_REPLAY, delivery, now, now + timedelta(hours=hours))
        if destination is None:
            raise DeliveryUnknownError
        await connection.execute("UPDATE notification_destination SET blocked_until = NULL WHERE id = $1", destination)
        entry = LedgerEntry(event=events.DELIVERY_REPLAYED, actor=actor, subject=f"delivery:{delivery}")
        await append(entry, now=now)


async def forget_old(before: datetime, *, limit: int = 5000) -> int:
    """Delete what happened before a moment; how many deliveries."""
    async with transaction():
        connection = current_connection()
        gone = await connection.fetchval(
            "WITH old AS (SELECT id FROM notification_delivery WHERE created_at < $1 AND state <> 'waiting' "
            "ORDER BY id LIMIT $2), d AS (DELETE FROM notification_delivery WHERE id IN (SELECT id FROM old) "
            "RETURNING 1) SELECT count(*) FROM d",
            before,
            limit,
        )
        await connection.execute(
            "DELETE FROM notification n WHERE n.created_at < $1 AND n.planned_at IS NOT NULL AND NOT EXISTS "
            "(SELECT FROM notification_delivery d WHERE d.notification = n.id)",
            before,
        )
    deleted: int = gone
    return deleted


def _delivery(row: Any) -> Delivery:  # noqa: ANN401 - asyncpg.Record
    return Delivery(**{**dict(row), "state": DeliveryState(row["state"])})
