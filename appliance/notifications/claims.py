"""Taking deliveries to send, so that no two processes send the same one, and writing down what came of each."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog

from appliance.database.connection import current_connection, read_connection
from appliance.database.transaction import transaction
from appliance.ledger.records import LedgerEntry
from appliance.ledger.service import append
from appliance.notifications import events, rules
from appliance.notifications.addresses import forget_gone
from appliance.notifications.fatigue import SYSTEM
from appliance.notifications.outbox import tell
from appliance.notifications.ports import Failure, SendError
from appliance.notifications.records import SHARED, Channel, Kind, Notice, Stored

# Whoever was killed while it sent, sends again after this: at least once, with the same identifier.
CLAIM: Final = timedelta(seconds=60)
PER_DESTINATION: Final = 4
log = structlog.get_logger(__name__)
_IS_WORK: Final = """
SELECT EXISTS (SELECT FROM notification WHERE planned_at IS NULL)
  OR EXISTS (SELECT FROM notification_delivery WHERE state = 'waiting' AND due_at <= $1)
"""
# By destination, each with its few: ten thousand for one keep no other waiting.
_CLAIM: Final = """
WITH open AS (
  SELECT DISTINCT d.destination FROM notification_delivery d WHERE d.state = 'waiting' AND d.due_at <= $1
    AND d.channel = $2 AND d.destination <> ALL($3::uuid[])
), picked AS (
  SELECT n.id FROM open o LEFT JOIN notification_destination s ON s.id = o.destination
  CROSS JOIN LATERAL (
    SELECT d.id FROM notification_delivery d WHERE d.destination = o.destination AND d.channel = $2
      AND d.state = 'waiting' AND d.due_at <= $1 AND (d.claimed_until IS NULL OR d.claimed_until <= $1)
    ORDER BY d.due_at, d.id LIMIT $4 FOR UPDATE SKIP LOCKED) n
  WHERE s.blocked_until IS NULL OR s.blocked_until <= $1 LIMIT $5
)
UPDATE notification_delivery d SET claimed_until = $6, attempts = d.attempts + 1
FROM picked p, notification n WHERE d.id = p.id AND n.id = d.notification
RETURNING d.id, d.person, d.channel, d.destination, d.attempts, d.expires_at AS ends_at, n.id AS notification,
  n.kind, n.about, n.name, n.created_at, n.expires_at, n.person AS told_person, n.destination AS told_destination
"""
# A delivery whose ask ended while it was sent has been sent all the same.
_END: Final = """
UPDATE notification_delivery SET state = $2, ended_at = $3, outcome = $4, claimed_until = NULL
WHERE id = $1 AND (state = 'waiting' OR (state = 'withdrawn' AND $2 = 'sent')) RETURNING id
"""
_AGAIN: Final = """
UPDATE notification_delivery SET due_at = $2, outcome = $3, claimed_until = NULL WHERE id = $1 AND state = 'waiting'
"""
_GOOD: Final = """
INSERT INTO notification_destination (id, failures, last_ok_at, last_problem) VALUES ($1, 0, $2, '')
ON CONFLICT (id) DO UPDATE SET failures = 0, blocked_until = NULL, last_ok_at = $2, last_problem = ''
"""
_BAD: Final = """
INSERT INTO notification_destination (id, failures, last_problem) VALUES ($1, 1, $2)
ON CONFLICT (id) DO UPDATE SET failures = notification_destination.failures + 1, last_problem = $2 RETURNING failures
"""
_BLOCK: Final = "UPDATE notification_destination SET blocked_until = $2 WHERE id = $1"
_LATE: Final = """
UPDATE notification_delivery SET ended_at = $1, claimed_until = NULL,
  state = CASE WHEN attempts > 0 OR person IS NULL THEN 'dead' ELSE 'withdrawn' END,
  outcome = left('too late' || CASE WHEN outcome = '' THEN '' ELSE '; ' || outcome END, 200)
WHERE state = 'waiting' AND expires_at <= $1 AND (claimed_until IS NULL OR claimed_until <= $1)
RETURNING id, channel, destination, state
"""


class Claimed(msgspec.Struct, frozen=True):
    """A delivery that this process sends now, and nobody else until `CLAIM` is over."""

    id: UUID
    notice: Stored
    person: UUID | None
    channel: Channel
    destination: UUID
    attempts: int
    ends_at: datetime


async def is_work(now: datetime) -> bool:
    """Whether anything waits to be planned or sent."""
    async with read_connection() as connection:
        found: bool = await connection.fetchval(_IS_WORK, now)
    return found


async def claim(channel: Channel, busy: Collection[UUID], limit: int, now: datetime) -> list[Claimed]:
    """Deliveries by one channel that are due, a few for each destination that is neither busy nor left alone."""
    async with transaction():
        rows = await current_connection().fetch(
            _CLAIM, now, channel.value, list(busy), PER_DESTINATION, limit, now + CLAIM
        )
        found = list[Claimed]()
        for row in rows:
            try:
                found.append(_claimed(row))
            except ValueError as problem:  # one that cannot be read must not silence the others
                log.exception("notification.not_read", delivery=str(row["id"]))
                if await current_connection().fetchval(
                    _END, row["id"], "dead", now, f"cannot be read: {problem}"[:200]
                ):
                    await _dead(row["id"], channel, row["destination"], "refused", now)
    return found


async def sent(claimed: Claimed, now: datetime) -> None:
    """It was taken."""
    async with transaction():
        connection = current_connection()
        await connection.fetchval(_END, claimed.id, "sent", now, "")
        await connection.execute(_GOOD, claimed.destination, now)


async def withdrawn(claimed: Claimed, why: str, now: datetime) -> None:
    """Nobody needs it any more."""
    async with transaction():
        await current_connection().fetchval(_END, claimed.id, "withdrawn", now, why)


async def failed(claimed: Claimed, problem: SendError, attempts_max: int, jitter: float, now: datetime) -> None:
    """It was not taken: later again, or never; the destination is left alone for a while."""
    async with transaction():
        connection = current_connection()
        if problem.failure is Failure.GONE:
            await connection.fetchval(_END, claimed.id, "dead", now, problem.words)
            await forget_gone(SYSTEM, claimed.destination, now)
            return
        failures = claimed.attempts
        if problem.failure is Failure.LATER:
            failures = await connection.fetchval(_BAD, claimed.destination, problem.words)
        next_at = now + rules.wait_after(failures, jitter)
        if problem.failure is Failure.LATER:
            await connection.execute(_BLOCK, claimed.destination, next_at)
        is_last = problem.failure is Failure.NEVER or claimed.attempts >= attempts_max
        if not is_last:
            await connection.execute(_AGAIN, claimed.id, next_at, problem.words)
        elif await connection.fetchval(_END, claimed.id, "dead", now, problem.words):
            reason = "refused" if problem.failure is Failure.NEVER else "attempts"
            await _dead(claimed.id, claimed.channel, claimed.destination, reason, now)


async def end_late(now: datetime) -> int:
    """End what is not worth sending any more; how many."""
    async with transaction():
        rows = await current_connection().fetch(_LATE, now)
        for row in rows:
            if row["state"] == "dead":
                await _dead(row["id"], row["channel"], row["destination"], "too_late", now)
    return len(rows)


async def _dead(delivery: UUID, channel: str, destination: UUID, reason: str, now: datetime) -> None:
    """Write a dead letter down; of a webhook's its administrators hear, once a day."""
    facts = {"channel": str(channel), "destination": str(destination), "reason": reason}
    entry = LedgerEntry(event=events.DELIVERY_DEAD, actor=SYSTEM, subject=f"delivery:{delivery}", facts=facts)
    await append(entry, now=now)
    if channel in SHARED:
        once = f"{Kind.DELIVERY_DEAD}:{destination}:{now.date().isoformat()}"
        await tell(
            Notice(
                kind=Kind.DELIVERY_DEAD, about=destination, once=once, created_at=now,
                expires_at=now + timedelta(days=1),
            )
        )  # fmt: skip


def _claimed(row: Any) -> Claimed:  # noqa: ANN401 - asyncpg.Record
    notice = Stored(
        id=row["notification"], kind=Kind(row["kind"]), created_at=row["created_at"], expires_at=row["expires_at"],
        about=row["about"], name=row["name"], person=row["told_person"], destination=row["told_destination"],
    )  # fmt: skip
    return Claimed(
        row["id"], notice, row["person"], Channel(row["channel"]), row["destination"], row["attempts"], row["ends_at"]
    )
