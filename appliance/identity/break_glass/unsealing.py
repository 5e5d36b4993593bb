"""Breaks the glass: the sheet is checked, a second person confirms where that is set, and a session begins."""

import hmac
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from appliance.database.connection import current_connection
from appliance.database.identifiers import uuid7
from appliance.identity.break_glass import events
from appliance.identity.break_glass.errors import (
    Cause,
    ConfirmationRefusedError,
    UnsealingUnconfirmedError,
    UnsealingUnknownError,
)
from appliance.identity.break_glass.paper import as_printed
from appliance.identity.break_glass.queries import StoredOwner, find_owner
from appliance.identity.break_glass.records import Unsealed
from appliance.identity.changes import announce, locked_person, personal_of, record, take_turn
from appliance.identity.passwords import Passwords
from appliance.identity.queries import person_by_id
from appliance.identity.records import NewSession, Origin, Person, Role, SessionKind
from appliance.identity.sealing import RandomBytes, hashed
from appliance.identity.sessions import Sessions
from appliance.identity.tokens import hash_of, new_token
from appliance.ledger.records import Actor, ActorKind

UNSEALING: Final = "olg_"
CONFIRM_MINUTES: Final = 15
_ALONE: Final = "alone"  # in place of a second person, where none is needed
# Nobody knows who typed the sheet: an administrator who has it would confirm themselves, and come in as owner alone.
_CONFIRMERS: Final = frozenset({Role.OWNER})
_STOPPERS: Final = frozenset({Role.OWNER, Role.ADMINISTRATOR})


class SheetRefusedError(Exception):
    """The sheet does not hold."""

    def __init__(self, cause: Cause, person: UUID | None) -> None:
        self.cause = cause
        self.person = person
        super().__init__(cause)


async def check_sheet(password: object, token: object, passwords: Passwords) -> StoredOwner:
    """Whoever is behind glass, for whom has the sheet; the same work is done whatever is wrong.

    Raises:
        SheetRefusedError: see its cause.
        SignInBusyError: too many passwords wait already.
    """
    owner = await find_owner()
    is_match = await passwords.is_match(owner.password_hash if owner else None, as_printed(password))
    is_token = hmac.compare_digest((owner.token_hash if owner else None) or b"", hashed(as_printed(token)))
    if owner is None:
        raise SheetRefusedError(Cause.NOBODY_SEALED, None)
    if owner.token_hash is None:
        raise SheetRefusedError(Cause.SHEET_USED, owner.person)
    if not (is_match and is_token):
        raise SheetRefusedError(Cause.SHEET_WRONG, owner.person)
    if owner.is_disabled:
        raise SheetRefusedError(Cause.PERSON_DISABLED, owner.person)
    return owner


async def begin(
    owner: StoredOwner, actor: Actor, people: int, origin: Origin, random_bytes: RandomBytes, now: datetime
) -> Unsealed:
    """An unsealing inside the running transaction, in place of any other that waits."""
    token, expires_at = new_token(UNSEALING, random_bytes), now + timedelta(minutes=CONFIRM_MINUTES)
    confirmed_by = _ALONE if people == 1 else ""
    connection = current_connection()
    await connection.execute("DELETE FROM unsealing")
    await connection.execute(
        "INSERT INTO unsealing (id, token_hash, person, is_by_operator, confirmed_by, created_at, expires_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7)",
        uuid7(), hashed(token), owner.person, actor.kind is ActorKind.OPERATOR, confirmed_by, now, expires_at,
    )  # fmt: skip
    subject, facts = f"person:{owner.person}", {"people": people}
    await record(actor, events.BREAK_GLASS_BEGUN, subject, now, facts=facts, personal=personal_of(origin))
    return Unsealed(token=token, is_confirmed=bool(confirmed_by), expires_at=expires_at)


async def confirm(actor: Actor, unsealing: UUID, now: datetime) -> None:
    """Let an unsealing go on, inside the running transaction.

    Raises:
        UnsealingUnknownError: it does not wait (any more).
        ConfirmationRefusedError: the actor had the sheet, or is nobody who confirms.
    """
    row = await _waiting(unsealing, now)
    await _check_decides(actor, row, _CONFIRMERS)
    await current_connection().execute(
        "UPDATE unsealing SET confirmed_by = $2, expires_at = $3 WHERE id = $1",
        unsealing,
        f"{actor.kind.value}:{actor.id}",
        now + timedelta(minutes=CONFIRM_MINUTES),
    )
    await record(actor, events.BREAK_GLASS_CONFIRMED, f"person:{row['person']}", now)


async def stop(actor: Actor, unsealing: UUID, now: datetime) -> None:
    """End an unsealing that waits, inside the running transaction; the sheet stays as it is.

    Raises:
        UnsealingUnknownError: it does not wait (any more).
        ConfirmationRefusedError: the actor is nobody who stops one.
    """
    row = await _waiting(unsealing, now)
    await _check_decides(actor, row, _STOPPERS)
    await current_connection().execute("DELETE FROM unsealing WHERE id = $1", unsealing)
    await record(actor, events.BREAK_GLASS_STOPPED, f"person:{row['person']}", now)


async def open_session(
    token: object, sessions: Sessions, origin: Origin, now: datetime, previous_token: str | None
) -> NewSession:
    """The session of the owner behind glass, inside the running transaction; the sheet is used up.

    Raises:
        UnsealingUnknownError: there is none, it has waited too long, or the person was disabled.
        UnsealingUnconfirmedError: a second person must confirm first.
    """
    await take_turn()  # whoever opens ends every other unsealing: without turns they would wait for each other
    row = await current_connection().fetchrow(
        "SELECT * FROM unsealing WHERE token_hash = $1 AND expires_at > $2 FOR UPDATE",
        hash_of(token, UNSEALING) or b"",
        now,
    )
    if row is None:
        raise UnsealingUnknownError
    if not row["confirmed_by"]:
        raise UnsealingUnconfirmedError
    person = await locked_person(row["person"])
    owner = await find_owner()
    if person.is_disabled or owner is None or owner.person != person.id or owner.token_hash is None:
        raise UnsealingUnknownError
    await sessions.end_previous(previous_token)
    session = await sessions.begin(person.id, SessionKind.BREAK_GLASS, origin, now, is_proven=True)
    await _use_up(person, session, row["confirmed_by"], origin, now)
    return session


async def _use_up(person: Person, session: NewSession, confirmed_by: str, origin: Origin, now: datetime) -> None:
    """The sheet has opened this session and opens no other one; the ledger says who let it."""
    connection = current_connection()
    await connection.execute("DELETE FROM unsealing")
    await connection.execute(
        "UPDATE sealed_owner SET token_hash = NULL, opened_at = $2, open_until = $3, session = $4 WHERE person = $1",
        person.id,
        now,
        session.expires_at,
        session.session_id,
    )
    facts = {
        "session": str(session.session_id),
        "until": session.expires_at.isoformat(),
        "confirmed_by": confirmed_by,
    }
    kind = SessionKind.BREAK_GLASS.value
    actor = Actor(kind=ActorKind.PERSON, id=str(person.id), name=f"{person.display_name} <{person.email}>", marker=kind)
    subject, personal = f"person:{person.id}", personal_of(origin)
    await record(actor, events.BREAK_GLASS_OPENED, subject, now, facts=facts, personal=personal)
    await announce(person.id)


async def _waiting(unsealing: UUID, now: datetime) -> Any:  # noqa: ANN401 - asyncpg.Record
    row = await current_connection().fetchrow(
        "SELECT person, is_by_operator FROM unsealing WHERE id = $1 AND expires_at > $2 AND confirmed_by = '' "
        "FOR UPDATE",
        unsealing,
        now,
    )
    if row is None:
        raise UnsealingUnknownError
    return row


async def _check_decides(actor: Actor, row: Any, roles: frozenset[Role]) -> None:  # noqa: ANN401 - asyncpg.Record
    """Let through a second person: one of `roles` at this moment, or the operator if they did not begin."""
    if actor.kind is ActorKind.OPERATOR and not row["is_by_operator"]:
        return
    if actor.kind is not ActorKind.PERSON or actor.id == str(row["person"]):
        raise ConfirmationRefusedError
    person = await person_by_id(UUID(actor.id))
    if person.is_disabled or not person.roles & roles:
        raise ConfirmationRefusedError
