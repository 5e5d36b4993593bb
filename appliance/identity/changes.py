"""What all changes of people have in common: their turn, their ledger entry, and word to every process."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from appliance.database.connection import current_connection
from appliance.database.transaction import transaction
from appliance.identity import events
from appliance.identity.errors import IdentityError, RoleChangeRefusedError
from appliance.identity.queries import CHANNEL, person_by_id
from appliance.identity.records import Origin, Person, Role
from appliance.identity.rules import may_manage, shown
from appliance.ledger.records import Actor, ActorKind, LedgerEntry
from appliance.ledger.service import append

# Any constant will do, as long as every release uses the same one.
_TURN: Final = 0x6C65617368_4944
_TOLD_EACH: Final = 50
NOBODY: Final = Actor(kind=ActorKind.ANONYMOUS, id="anonymous")
_ON_THE_MACHINE: Final = frozenset({ActorKind.OPERATOR, ActorKind.SYSTEM})


async def take_turn() -> None:
    """Wait inside the running transaction until no other one changes people: two owners cannot remove each other."""
    await current_connection().execute("SELECT pg_advisory_xact_lock($1)", _TURN)


async def announce(person_id: UUID | None = None) -> None:
    """Tell every process, when the running transaction commits, whose rights have changed; None is anybody's."""
    await current_connection().execute("SELECT pg_notify($1, $2)", CHANNEL, str(person_id or ""))


async def announce_all(people: Collection[UUID]) -> None:
    """The same of many; of more than a few everybody, because a process forgets faster than it is told of each."""
    for person_id in people if len(people) <= _TOLD_EACH else (None,):
        await announce(person_id)


async def record(
    actor: Actor,
    event: str,
    subject: str,
    now: datetime,
    *,
    facts: Mapping[str, Any] | None = None,
    personal: Mapping[str, Any] | None = None,
) -> None:
    """Append a ledger entry inside the running transaction; `facts` hold nothing personal."""
    entry = LedgerEntry(event=event, actor=actor, subject=subject, facts=facts or {}, personal=personal or {})
    await append(entry, now=now)


def personal_of(origin: Origin) -> dict[str, str]:
    """Where a request comes from, as the ledger keeps it."""
    return {"address": shown(origin.address), "user_agent": shown(origin.user_agent)}


@asynccontextmanager
async def recorded_refusals(
    actor: Actor, change: str, subject: str, now: datetime, kind: type[IdentityError] = IdentityError
) -> AsyncIterator[None]:
    """Put what is refused inside into the ledger, in a transaction of its own."""
    try:
        yield
    except kind as refusal:
        async with transaction():
            facts = {"change": change, "code": refusal.code}
            await record(actor, events.ROLE_CHANGE_REFUSED, subject, now, facts=facts)
        raise


async def locked_person(person_id: UUID) -> Person:
    """A person who stays as they are until the running transaction ends.

    Raises:
        PersonUnknownError: there is none.
    """
    await current_connection().execute("SELECT 1 FROM person WHERE id = $1 FOR UPDATE", person_id)
    return await person_by_id(person_id)


async def check_manages(actor: Actor, target_roles: Collection[Role]) -> None:
    """Let through the machine's own operator, and people whose roles now suffice for somebody of `target_roles`.

    Raises:
        RoleChangeRefusedError: anybody else.
    """
    if actor.kind in _ON_THE_MACHINE:
        return
    if actor.kind is not ActorKind.PERSON:
        raise RoleChangeRefusedError
    manager = await person_by_id(UUID(actor.id))
    if manager.is_disabled or not may_manage(manager.roles, target_roles):
        raise RoleChangeRefusedError


def check_operates(actor: Actor) -> None:
    """Let through nobody but the machine's own operator.

    Raises:
        RoleChangeRefusedError: anybody else.
    """
    if actor.kind not in _ON_THE_MACHINE:
        raise RoleChangeRefusedError


def is_self(actor: Actor, person_id: UUID) -> bool:
    """Whether the actor is that person."""
    return actor.kind is ActorKind.PERSON and actor.id == str(person_id)


def check_is_another(actor: Actor, person: Person) -> None:
    """Let nobody change themselves.

    Raises:
        RoleChangeRefusedError: the actor is that person.
    """
    if is_self(actor, person.id):
        raise RoleChangeRefusedError("Nobody changes their own roles, state or credential here")
