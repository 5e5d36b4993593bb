"""Who has an account here, with which roles: inviting, changing, disabling."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final
from uuid import UUID

from appliance.database.connection import current_connection
from appliance.database.identifiers import uuid7
from appliance.database.transaction import transaction
from appliance.identity import events, queries
from appliance.identity.changes import (
    announce,
    check_is_another,
    check_manages,
    locked_person,
    record,
    recorded_refusals,
    take_turn,
)
from appliance.identity.errors import (
    DisabledElsewhereError,
    EmailTakenError,
    LastOwnerError,
    PersonDisabledError,
    PersonUnknownError,
)
from appliance.identity.links import Links
from appliance.identity.records import LinkPurpose, NewLink, PeopleFilter, Person, Role
from appliance.identity.rules import prepare_email, prepare_name
from appliance.identity.sessions import Sessions, end_sessions_of
from appliance.identity.unlinking import unlink
from appliance.ledger.records import Actor, ActorKind

_EVERYBODY: Final = PeopleFilter()


class People:
    """The people of this installation; every refused change is in the ledger too."""

    def __init__(self, links: Links, sessions: Sessions) -> None:
        """`sessions` forget what they know with each change."""
        self._links = links
        self._sessions = sessions

    async def list(self, wanted: PeopleFilter = _EVERYBODY) -> tuple[Person, ...]:
        """Whoever matches, by name, a page at a time.

        Raises:
            PersonUnknownError: the page before did not end with anybody.
        """
        return await queries.find_people(wanted)

    async def by_email(self, email: str) -> Person:
        """Whoever has this address.

        Raises:
            PersonUnknownError: nobody.
            EmailRefusedError: it is none.
        """
        found = await queries.find_person(prepare_email(email))
        if found is None:
            raise PersonUnknownError
        return found

    async def find(self, text: str) -> Person:
        """Whoever has this address or identifier; not everybody whom a directory tells of has an address.

        Raises:
            PersonUnknownError: nobody.
            EmailRefusedError: it is neither.
        """
        try:
            person_id = UUID(text)
        except ValueError:
            return await self.by_email(text)
        return await queries.person_by_id(person_id)

    async def invite(self, actor: Actor, *, display_name: object, email: object, role: Role, now: datetime) -> NewLink:
        """Add a person with a role, and make the link by which they set password and authenticator.

        Raises:
            NameRefusedError, EmailRefusedError: texts that cannot be used.
            EmailTakenError: somebody has the address.
            RoleChangeRefusedError: only owners invite owners.
        """
        name, address = prepare_name(display_name), prepare_email(email)
        person_id = uuid7()
        async with recorded_refusals(actor, "invite", "service:identity", now), transaction():
            await take_turn()
            await check_manages(actor, {role})
            await insert_person(person_id, name, address, now)
            await insert_role(person_id, role)
            link = await self._links.make(LinkPurpose.INVITATION, person_id, now)
            await record(
                actor,
                events.PERSON_INVITED,
                f"person:{person_id}",
                now,
                facts={"roles": [role.value], "link": str(link.link_id)},
                personal={"display_name": name, "email": address},
            )
            await announce()
        return link

    async def grant_role(self, actor: Actor, person_id: UUID, role: Role, now: datetime) -> None:
        """Assign a role to a person; nothing happens if somebody did before, a group's grant is none of that.

        Raises:
            PersonUnknownError: there is no such person.
            RoleChangeRefusedError: the own role, or an owner's and the actor is none.
        """
        async with self._change(actor, "grant", person_id, now, role) as person:
            check_is_another(actor, person)
            if role not in person.direct_roles:
                await insert_role(person_id, role)
                await record(actor, events.ROLE_GRANTED, f"person:{person_id}", now, facts={"role": role.value})

    async def revoke_role(self, actor: Actor, person_id: UUID, role: Role, now: datetime) -> None:
        """Take an assigned role from a person; what a group of theirs was granted stays.

        Raises:
            LastOwnerError: nobody else could come in as owner.
            PersonUnknownError, RoleChangeRefusedError: as for `grant_role`.
        """
        async with self._change(actor, "take", person_id, now, role) as person:
            if role is Role.OWNER and not await queries.is_owner_by_group(person.id):
                await _keep_an_owner(person)
            check_is_another(actor, person)
            if role in person.direct_roles:
                await current_connection().execute(
                    "DELETE FROM person_role WHERE person = $1 AND role = $2", person_id, role.value
                )
                await record(actor, events.ROLE_REVOKED, f"person:{person_id}", now, facts={"role": role.value})

    async def disable(self, actor: Actor, person_id: UUID, now: datetime) -> None:
        """Let a person in no more: their sessions and links end with the commit.

        Raises:
            LastOwnerError, PersonUnknownError, RoleChangeRefusedError: as for `revoke_role`.
        """
        async with self._change(actor, "disable", person_id, now) as person:
            await _keep_an_owner(person)
            check_is_another(actor, person)
            if not person.is_disabled or person.disabled_by:  # whom a source disabled it shall not enable again
                connection = current_connection()
                await connection.execute(
                    "UPDATE person SET is_disabled = true, disabled_by = '' WHERE id = $1", person_id
                )
                await connection.execute("DELETE FROM sign_up_link WHERE person = $1", person_id)
                facts = {"sessions": await end_sessions_of(person_id)}
                await record(actor, events.PERSON_DISABLED, f"person:{person_id}", now, facts=facts)

    async def enable(self, actor: Actor, person_id: UUID, now: datetime) -> None:
        """Let a disabled person in again; only the operator does so with somebody whom a source disabled.

        Raises:
            DisabledElsewhereError: the source must do it.
            PersonUnknownError, RoleChangeRefusedError: as for `grant_role`.
        """
        async with self._change(actor, "enable", person_id, now) as person:
            check_is_another(actor, person)
            if person.disabled_by and actor.kind is not ActorKind.OPERATOR:
                raise DisabledElsewhereError(f"Disabled by {person.disabled_by}")
            if person.is_disabled:
                await current_connection().execute(
                    "UPDATE person SET is_disabled = false, disabled_by = '' WHERE id = $1", person_id
                )
                await record(actor, events.PERSON_ENABLED, f"person:{person_id}", now)

    async def reset_credential(self, actor: Actor, person_id: UUID, now: datetime) -> NewLink:
        """Remove password, authenticator, recovery codes and sessions, and make a link for new ones.

        The operator may do so with the last owner too: that is the way back in for whoever lost their authenticator.

        Raises:
            PersonDisabledError: enable the person first.
            PersonUnknownError, RoleChangeRefusedError: as for `grant_role`.
        """
        async with self._change(actor, "reset", person_id, now) as person:
            check_is_another(actor, person)
            if person.is_disabled:
                raise PersonDisabledError
            connection = current_connection()
            await connection.execute("DELETE FROM local_credential WHERE person = $1", person_id)
            await connection.execute("DELETE FROM recovery_code WHERE person = $1", person_id)
            purpose = LinkPurpose.RESET if person.has_credential else LinkPurpose.INVITATION
            link = await self._links.make(purpose, person_id, now)
            facts = {"link": str(link.link_id), "sessions": await end_sessions_of(person_id)}
            await record(actor, events.CREDENTIAL_RESET, f"person:{person_id}", now, facts=facts)
        return link

    async def unlink(self, actor: Actor, person_id: UUID, account_id: UUID, now: datetime) -> int:
        """Take an account of a source from a person; see `unlinking.unlink`. How many sessions ended."""
        return await unlink(actor, person_id, account_id, now, sessions=self._sessions)

    @asynccontextmanager
    async def _change(
        self, actor: Actor, change: str, person_id: UUID, now: datetime, *roles: Role
    ) -> AsyncIterator[Person]:
        """One change of one person, who is locked, by somebody who manages such a person."""
        async with recorded_refusals(actor, change, f"person:{person_id}", now), transaction():
            await take_turn()
            person = await locked_person(person_id)
            await check_manages(actor, {*person.roles, *roles})
            yield person
            await announce(person_id)
        self._sessions.forget()


async def insert_person(person_id: UUID, name: str, email: str, now: datetime) -> None:
    """A new person inside the running transaction, which has its turn.

    Raises:
        EmailTakenError: somebody has the address.
    """
    if await queries.find_person(email) is not None:
        raise EmailTakenError
    await current_connection().execute(
        "INSERT INTO person (id, display_name, email, is_disabled, created_at) VALUES ($1, $2, $3, false, $4)",
        person_id,
        name,
        email,
        now,
    )


async def insert_role(person_id: UUID, role: Role) -> None:
    """One more role of a person inside the running transaction."""
    await current_connection().execute(
        "INSERT INTO person_role (id, person, role) VALUES ($1, $2, $3)", uuid7(), person_id, role.value
    )


async def _keep_an_owner(person: Person) -> None:
    """Refuse to lose the last owner who can come in; somebody who cannot come in is no loss.

    Raises:
        LastOwnerError: the person is it.
    """
    if Role.OWNER in person.roles and person.can_come_in and not await queries.has_owner(besides=person.id):
        raise LastOwnerError
