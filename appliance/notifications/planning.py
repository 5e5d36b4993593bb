"""Makes deliveries of what lies in the outbox: who is told, by which channels, and when."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import structlog

from appliance.approvals.queries import asks_by_ids
from appliance.approvals.records import Ask, AskState
from appliance.database.connection import current_connection, read_connection
from appliance.database.identifiers import uuid7
from appliance.database.transaction import transaction
from appliance.errors import LeashError
from appliance.ledger.records import LedgerEntry
from appliance.ledger.service import append
from appliance.notifications import events, rules
from appliance.notifications.fatigue import SYSTEM, TOO_MANY, Fatigue
from appliance.notifications.kinds import KINDS
from appliance.notifications.recipients import MAIL_SERVER, Reader, Recipients
from appliance.notifications.records import Channel, DeliveryState, Kind, NewDelivery, Severity, Stored

BATCH: Final = 100
# What is rare goes before asks, of which there may be very many.
_WAITING: Final = """
SELECT * FROM notification WHERE planned_at IS NULL ORDER BY kind IN ('ask.opened', 'ask.ended'), id LIMIT $1
FOR UPDATE SKIP LOCKED
"""
_INSERT: Final = """
INSERT INTO notification_delivery (id, notification, kind, about, name, person, channel, destination, state, step,
  created_at, due_at, expires_at, attempts, outcome)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0, $14)
"""
_WITHDRAW: Final = """
UPDATE notification_delivery SET state = 'withdrawn', ended_at = $2, outcome = 'the ask has ended'
WHERE about = $1 AND kind = 'ask.opened' AND state = 'waiting' AND person IS NOT NULL
"""
# Also what is being sent at this moment: it may arrive, and must do so before the word that it is over.
_SHOWN: Final = """
SELECT person, destination, bool_or(claimed_until IS NOT NULL) AS is_under_way FROM notification_delivery
WHERE about = $1 AND kind = 'ask.opened' AND channel = 'web_push' AND (state = 'sent' OR claimed_until IS NOT NULL)
GROUP BY person, destination
"""
# What is wrong with a row; failures of the database end the plan, and all of it is planned again.
_UNREADABLE: Final = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, LeashError)
_UNDER_WAY: Final = timedelta(seconds=3)
_NO_CHANNEL: Final = "the person has no channel for this"
log = structlog.get_logger(__name__)
_SLEEPS: Final = "quiet hours last longer than the ask"


class Planner:
    """Plans in the order of the outbox; two at once share the work."""

    def __init__(self, *, is_mail_on: bool, asks_per_hour: int, webhook_hours: int) -> None:
        """See the settings of [notifications]."""
        self._is_mail_on = is_mail_on
        self._asks_per_hour = asks_per_hour
        self._webhook_life = timedelta(hours=webhook_hours)

    async def plan(self, now: datetime, *, limit: int = BATCH) -> int:
        """Plan what waits, at most so much in one transaction; how much that was."""
        async with transaction():
            rows = await current_connection().fetch(_WAITING, limit)
            if not rows:
                return 0
            recipients, fatigue = Recipients(is_mail_on=self._is_mail_on), Fatigue(self._asks_per_hour, now)
            webhooks = await _webhooks()
            asks = await asks_by_ids([row["about"] for row in rows if row["kind"] == Kind.ASK_OPENED])
            deliveries = list[NewDelivery]()
            for row in rows:
                try:
                    notice = _stored(row)
                    deliveries += await self._of(notice, _Batch(recipients, fatigue, asks, now))
                    deliveries += self._to_webhooks(notice, webhooks, now)
                except _UNREADABLE:  # one that cannot be read must neither silence the others nor stay before them
                    log.exception("notification.not_planned", notification=str(row["id"]))
                    await _give_up(row["id"], now)
            connection = current_connection()
            await connection.executemany(_INSERT, [_arguments(each, now) for each in deliveries])
            planned = [row["id"] for row in rows]
            await connection.execute("UPDATE notification SET planned_at = $2 WHERE id = ANY($1)", planned, now)
        return len(rows)

    async def _of(self, notice: Stored, batch: "_Batch") -> list[NewDelivery]:
        """The deliveries to people."""
        recipients, now = batch.recipients, batch.now
        if notice.destination is not None:
            return await _to_one(notice, notice.destination, now)
        if notice.expires_at <= now:
            return []
        if notice.kind is Kind.ASK_OPENED:
            ask = batch.asks.get(notice.about) if notice.about else None
            is_pending = ask is not None and ask.state is AskState.PENDING and ask.expires_at > now
            return await _of_ask(notice, ask, batch) if ask is not None and is_pending else []
        if notice.kind is Kind.ASK_ENDED:
            return await _withdrawn(notice, now)
        if notice.person is not None:
            readers = await recipients.one(notice.person)
        else:
            readers = await recipients.with_roles(KINDS[notice.kind].roles)
        severity = KINDS[notice.kind].severity
        return [
            delivery
            for reader in readers
            for delivery in _to_reader(notice, reader, rules.heard_at(reader.preferences, severity, now))
        ]

    def _to_webhooks(self, notice: Stored, webhooks: list[Any], now: datetime) -> list[NewDelivery]:
        """The deliveries to programs and chats; a test and what is for one person alone is nothing for them."""
        if notice.destination is not None or notice.person is not None:
            return []
        return [
            NewDelivery(
                notification=notice, person=None, channel=Channel(row["channel"]), destination=row["id"], due_at=now,
                expires_at=notice.created_at + self._webhook_life,
            )
            for row in webhooks
            if not row["kinds"] or notice.kind.value in row["kinds"]
        ]  # fmt: skip


class _Batch(NamedTuple):
    """What the notices of one plan share."""

    recipients: Recipients
    fatigue: Fatigue
    asks: dict[UUID, Ask]
    now: datetime


async def _of_ask(notice: Stored, ask: Ask, batch: _Batch) -> list[NewDelivery]:
    """Everybody who may answer, each at their turn; a line for the log of whoever gets none."""
    readers = await batch.recipients.of_ask(ask)
    by_person = {reader.person: reader for reader in (*readers.ordered, *readers.others)}
    unheard = {person: _NO_CHANNEL for person, reader in by_person.items() if not reader.is_reachable(notice.kind)}
    severity = rules.severity_of(notice.kind, ask)
    while True:
        turns = rules.turns(
            [reader.person for reader in readers.ordered if reader.person not in unheard],
            [reader.person for reader in readers.others if reader.person not in unheard],
            at_once=ask.terms.quorum,
            created_at=batch.now,
            expires_at=ask.expires_at,
            heard=lambda person, moment: rules.heard_at(by_person[person].preferences, severity, moment),
        )
        # Whoever bears no more hands their turn on, which brings the others' forward; what is grave is told to all.
        tired = set[UUID]() if severity is Severity.HIGH else await batch.fatigue.refused(turns)
        if not tired:
            break
        unheard |= dict.fromkeys(tired, TOO_MANY)
    await batch.fatigue.count(turns)
    deliveries = [_unreachable(notice, person, batch.now, why) for person, why in unheard.items()]
    for turn in turns:
        deliveries += _to_reader(notice, by_person[turn.person], turn.due_at, turn.step)
    return deliveries


def _unreachable(notice: Stored, person: UUID, now: datetime, why: str, step: int = 0) -> NewDelivery:
    return NewDelivery(
        notification=notice, person=person, channel=Channel.NONE, destination=person, due_at=now, step=step,
        state=DeliveryState.UNREACHABLE, outcome=why,
    )  # fmt: skip


def _to_reader(notice: Stored, reader: Reader, due_at: datetime | None, step: int = 0) -> list[NewDelivery]:
    """One delivery per way that the person wants for this kind, or a line for the log why there is none."""
    ways = [way for way in reader.ways if rules.wants(reader.preferences, way.channel, notice.kind)]
    if not ways or due_at is None or due_at >= notice.expires_at:
        return [_unreachable(notice, reader.person, notice.created_at, _SLEEPS if ways else _NO_CHANNEL, step)]
    return [
        NewDelivery(
            notification=notice, person=reader.person, channel=way.channel, destination=way.destination,
            due_at=due_at, step=step,
        )
        for way in ways
    ]  # fmt: skip


async def _to_one(notice: Stored, destination: UUID, now: datetime) -> list[NewDelivery]:
    """A test goes to one destination, whatever its person's preferences are."""
    if destination == MAIL_SERVER:
        channel: str | None = Channel.EMAIL.value
    else:
        async with read_connection() as connection:
            channel = await connection.fetchval(
                "SELECT channel FROM notification_address WHERE id = $1 AND person = $2 "
                "UNION ALL SELECT channel FROM notification_webhook WHERE id = $1 AND $2::uuid IS NULL",
                destination,
                notice.person,
            )
    if channel is None:
        return []
    return [
        NewDelivery(
            notification=notice, person=notice.person, channel=Channel(channel), destination=destination, due_at=now
        )
    ]


async def _withdrawn(notice: Stored, now: datetime) -> list[NewDelivery]:
    """Stop what has not been sent, and let phones that show the ask take it down."""
    await current_connection().execute(_WITHDRAW, notice.about, now)
    rows = await current_connection().fetch(_SHOWN, notice.about)
    return [
        NewDelivery(
            notification=notice, person=row["person"], channel=Channel.WEB_PUSH, destination=row["destination"],
            due_at=now + _UNDER_WAY if row["is_under_way"] else now,
        )
        for row in rows
    ]  # fmt: skip


async def _give_up(notification: UUID, now: datetime) -> None:
    await append(LedgerEntry(event=events.UNREADABLE, actor=SYSTEM, subject=f"notification:{notification}"), now=now)


async def _webhooks() -> list[Any]:
    async with read_connection() as connection:
        rows: list[Any] = await connection.fetch("SELECT id, channel, kinds FROM notification_webhook ORDER BY id")
    return rows


def _stored(row: Any) -> Stored:  # noqa: ANN401 - asyncpg.Record
    names = [name for name in Stored.__struct_fields__ if name != "kind"]
    return Stored(kind=Kind(row["kind"]), **{name: row[name] for name in names})


def _arguments(new: NewDelivery, now: datetime) -> Iterable[Any]:
    notice = new.notification
    return (
        uuid7(), notice.id, notice.kind.value, notice.about, notice.name, new.person, new.channel.value,
        new.destination, new.state.value, new.step, now, new.due_at, new.expires_at or notice.expires_at, new.outcome,
    )  # fmt: skip
