"""Counting answers, under the ask's lock; denies are written down before, so that whoever holds it sees them."""

from collections.abc import Awaitable
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol
from uuid import UUID

import msgspec

from appliance.approvals import events
from appliance.approvals.queries import ask_by_id
from appliance.approvals.records import Answerer, Ask, AskState, Resolution
from appliance.approvals.responses import Answers, check_agreement
from appliance.database.connection import current_connection
from appliance.database.identifiers import uuid7
from appliance.ledger.records import Actor, ActorKind, LedgerEntry
from appliance.ledger.service import append

_ANSWERS: Final = msgspec.json.Decoder(dict[str, str | tuple[str, ...]])


class End(Protocol):
    """Gives an ask its outcome inside the running transaction."""

    def __call__(
        self, ask: Ask, state: AskState, actor: Actor, now: datetime, *, guidance: str = "", resolved_by: str = ""
    ) -> Awaitable[None]:
        """See Approvals._end."""
        ...


class Previous(NamedTuple):
    """What a person had answered before; it may have been written down and not been counted."""

    resolution: Resolution
    is_counted: bool


async def record_answer(
    ask_id: UUID, answerer: Answerer, resolution: Resolution, guidance: str, answers: Answers, now: datetime
) -> Previous | None:
    """Write the answer down inside the running transaction; what this person had answered before, if anything.

    A deny is committed before it is counted: so one that waits for the lock is seen by an allow that holds it. An
    allow is written under the lock.
    """
    connection = current_connection()
    inserted = await connection.fetchval(
        "INSERT INTO ask_answer (id, ask_id, person_id, display_name, resolution, guidance, response, answered_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (ask_id, person_id) DO NOTHING RETURNING id",
        uuid7(),
        ask_id,
        answerer.person_id,
        answerer.display_name,
        resolution.value,
        guidance,
        encoded_answers(answers),
        now,
    )
    return None if inserted is not None else await previous_answer(ask_id, answerer)


async def previous_answer(ask_id: UUID, answerer: Answerer) -> Previous | None:
    """What this person has answered, as the running transaction sees it."""
    before = await current_connection().fetchrow(
        "SELECT resolution, counted_at FROM ask_answer WHERE ask_id = $1 AND person_id = $2", ask_id, answerer.person_id
    )
    return before and Previous(Resolution(before["resolution"]), before["counted_at"] is not None)


def encoded_answers(answers: Answers) -> str:
    """Answers as they are stored; empty if there are none."""
    return msgspec.json.encode(answers).decode() if answers else ""


async def count_waiting(ask: Ask, answerer: Answerer, now: datetime, end: End) -> Ask:
    """Inside the running transaction and under the ask's lock: count every waiting deny, else this person's allow."""
    connection = current_connection()
    waiting = await connection.fetch(
        "SELECT * FROM ask_answer WHERE ask_id = $1 AND counted_at IS NULL "
        "AND (resolution = 'deny' OR person_id = $2) ORDER BY answered_at, id",
        ask.id,
        answerer.person_id,
    )
    denies = [row for row in waiting if row["resolution"] == Resolution.DENY]
    for row in denies or waiting:
        await _count_one(ask, row, answerer, now)
    if denies:
        first = denies[0]
        actor = _actor(first, answerer)
        await end(ask, AskState.DENIED, actor, now, guidance=first["guidance"], resolved_by=first["display_name"])
        return await ask_by_id(ask.id)
    current = await ask_by_id(ask.id)
    if current.allows >= ask.terms.quorum:
        guidance = waiting[0]["guidance"] if waiting else ""
        await end(current, AskState.ALLOWED, answerer.actor, now, guidance=guidance, resolved_by=answerer.display_name)
        return await ask_by_id(ask.id)
    return current


async def _count_one(ask: Ask, row: Any, answerer: Answerer, now: datetime) -> None:  # noqa: ANN401 - asyncpg.Record
    connection, is_allow = current_connection(), row["resolution"] == Resolution.ALLOW
    await connection.execute("UPDATE ask_answer SET counted_at = $2 WHERE id = $1", row["id"], now)
    if is_allow and row["response"]:
        # Where several people must allow, the first who answered has spoken for all: the others allow that.
        check_agreement(ask.answers, _ANSWERS.decode(row["response"]))
        await connection.execute(
            "UPDATE ask SET response = $2 WHERE id = $1 AND response = ''", ask.id, row["response"]
        )
    facts = {"binding": ask.binding, "resolution": row["resolution"], "answered_at": row["answered_at"].isoformat()}
    payload: dict[str, Any] = {"guidance": row["guidance"]} if row["guidance"] else {}
    if is_allow and row["response"]:
        payload["answers"] = msgspec.json.decode(row["response"])
    entry = LedgerEntry(
        event=events.ANSWERED, actor=_actor(row, answerer), subject=f"ask:{ask.id}", facts=facts, payload=payload
    )
    await append(entry, now=now)


def _actor(row: Any, answerer: Answerer) -> Actor:  # noqa: ANN401 - asyncpg.Record
    """Who gave the answer in `row`: this person, or another one whose deny was waiting."""
    if row["person_id"] == answerer.person_id:
        return answerer.actor
    return Actor(kind=ActorKind.PERSON, id=str(row["person_id"]), name=row["display_name"])
