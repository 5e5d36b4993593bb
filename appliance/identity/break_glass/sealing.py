"""Puts an owner behind glass, and takes them out again; only on the machine."""

from datetime import datetime
from typing import Final
from uuid import UUID

from appliance.database.connection import current_connection
from appliance.database.identifiers import uuid7
from appliance.database.transaction import transaction
from appliance.identity.break_glass import events
from appliance.identity.break_glass.errors import NobodySealedError, SealedElsewhereError, SealRefusedError
from appliance.identity.break_glass.paper import PASSWORD_BYTES, TOKEN_BYTES, new_text
from appliance.identity.break_glass.queries import find_owner
from appliance.identity.break_glass.records import Sheet
from appliance.identity.changes import announce, check_operates, locked_person, record, recorded_refusals, take_turn
from appliance.identity.errors import LastOwnerError
from appliance.identity.passwords import Passwords
from appliance.identity.people import insert_person, insert_role
from appliance.identity.queries import find_person, has_owner
from appliance.identity.records import Role
from appliance.identity.rules import prepare_email
from appliance.identity.sealing import RandomBytes, hashed
from appliance.identity.sessions import end_sessions_of
from appliance.ledger.records import Actor

_NAME: Final = "Break-glass owner"
_WAYS_IN: Final = (
    "DELETE FROM local_credential WHERE person = $1",
    "DELETE FROM recovery_code WHERE person = $1",
    "DELETE FROM sign_up_link WHERE person = $1",
    "DELETE FROM unsealing WHERE person = $1",
)
_STORE: Final = """
INSERT INTO sealed_owner (person, password_hash, token_hash, sealed_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (person) DO UPDATE SET password_hash = excluded.password_hash, token_hash = excluded.token_hash,
  sealed_at = excluded.sealed_at, opened_at = NULL, open_until = NULL, session = NULL
"""


async def seal(actor: Actor, email: object, passwords: Passwords, random_bytes: RandomBytes, now: datetime) -> Sheet:
    """Put an owner behind glass, who is made if nobody has the address; every other way in of theirs is closed.

    Raises:
        RoleChangeRefusedError: the actor is not the machine's operator.
        EmailRefusedError: it is no address.
        SealedElsewhereError: somebody else is behind glass.
        SealRefusedError: the person is no owner, or comes in by a directory or provider.
        LastOwnerError: nobody else could come in as owner in everyday life.
        SignInBusyError: too many passwords wait already.
    """
    address = prepare_email(email)
    password, token = new_text(PASSWORD_BYTES, random_bytes), new_text(TOKEN_BYTES, random_bytes)
    async with recorded_refusals(actor, "seal", "service:break_glass", now):
        check_operates(actor)
        password_hash = await passwords.hash(password)
        async with transaction():
            await take_turn()
            person_id = await _owner(address, now)
            for statement in _WAYS_IN:
                await current_connection().execute(statement, person_id)
            await current_connection().execute("UPDATE person SET is_sealed = true WHERE id = $1", person_id)
            await current_connection().execute(_STORE, person_id, password_hash, hashed(token), now)
            facts = {"sessions": await end_sessions_of(person_id)}
            await record(actor, events.BREAK_GLASS_SEALED, f"person:{person_id}", now, facts=facts)
            await announce(person_id)
    return Sheet(email=address, password=password, token=token, sealed_at=now)


async def remove(actor: Actor, now: datetime) -> None:
    """Take the owner from behind the glass: a person without a way in is left, whom `people reset` gives a new one.

    Raises:
        RoleChangeRefusedError: the actor is not the machine's operator.
        NobodySealedError: nobody is behind glass.
    """
    async with recorded_refusals(actor, "unseal_for_good", "service:break_glass", now):
        check_operates(actor)
        async with transaction():
            await take_turn()
            owner = await find_owner()
            if owner is None:
                raise NobodySealedError
            connection = current_connection()
            await connection.execute("DELETE FROM unsealing")
            await connection.execute("DELETE FROM sealed_owner")
            await connection.execute("UPDATE person SET is_sealed = false WHERE id = $1", owner.person)
            facts = {"sessions": await end_sessions_of(owner.person)}
            await record(actor, events.BREAK_GLASS_REMOVED, f"person:{owner.person}", now, facts=facts)
            await announce(owner.person)


async def _owner(address: str, now: datetime) -> UUID:
    """Whoever goes behind the glass, inside the running transaction."""
    sealed, person = await find_owner(), await find_person(address)
    if sealed is not None and (person is None or sealed.person != person.id):
        raise SealedElsewhereError(f"{sealed.email} is behind glass already")
    if person is None:
        person_id = uuid7()
        await insert_person(person_id, _NAME, address, now)
        await insert_role(person_id, Role.OWNER)
        return person_id
    person = await locked_person(person.id)
    if Role.OWNER not in person.direct_roles or person.sources or person.is_disabled:
        raise SealRefusedError
    if person.can_come_in and not await has_owner(besides=person.id):
        raise LastOwnerError
    return person.id
