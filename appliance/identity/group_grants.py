"""What groups are granted: roles, and membership of approver groups, for all projects or some."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from appliance.database.connection import current_connection, read_connection
from appliance.database.identifiers import uuid7
from appliance.database.transaction import transaction
from appliance.identity import effective, events
from appliance.identity.changes import announce, check_manages, record, recorded_refusals, take_turn
from appliance.identity.errors import GroupUnknownError, LastOwnerError, RoleChangeRefusedError
from appliance.identity.groups import Group, find_groups, groups_called
from appliance.identity.queries import has_owner
from appliance.identity.records import GroupFilter, Role
from appliance.identity.scopes import prepare_grant
from appliance.identity.sessions import Sessions
from appliance.ledger.records import Actor, ActorKind

_LIST: Final = """
SELECT x.id, x.identity_group AS group_id, x.role, x.project, x.created_at, x.created_by
FROM group_grant x JOIN identity_group g ON g.id = x.identity_group
ORDER BY g.source, g.name, x.role, x.project, x.id
"""
_LIST_OF: Final = """
SELECT x.id, x.identity_group AS group_id, x.role, x.project, x.created_at, x.created_by
FROM group_grant x WHERE x.identity_group = ANY($1) ORDER BY x.role, x.project, x.id
"""
_ADD: Final = """
INSERT INTO group_grant (id, identity_group, role, project, created_at, created_by)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (identity_group, role, project) DO NOTHING RETURNING id
"""
_REMOVE: Final = "DELETE FROM group_grant WHERE identity_group = $1 AND role = $2 AND project = $3 RETURNING id"
# An owner who can come in by something else than this grant.
_OTHER_OWNER: Final = f"""
SELECT EXISTS (SELECT FROM person p WHERE {effective.CAN_COME_IN} AND (
  EXISTS (SELECT FROM person_role r WHERE r.person = p.id AND r.role = 'owner')
  OR EXISTS (SELECT FROM external_account a JOIN group_grant x ON x.identity_group = ANY(a.groups)
    WHERE a.person = p.id AND NOT a.is_disabled AND x.role = 'owner' AND x.project = '' AND x.identity_group <> $1)))
"""  # noqa: S608 - a constant
_IS_MEMBER: Final = "SELECT EXISTS (SELECT FROM external_account a WHERE a.person = $2 AND $1 = ANY(a.groups))"

_ALL: Final = GroupFilter()


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """Something that whoever is in a group has.

    Attributes:
        role: a role, or an approver group as `group:name`.
        project: a pattern, see `scopes.is_within`; empty is every project.
        created_by: pseudonymous identifier of who granted it.
    """

    id: UUID
    group_id: UUID
    role: str
    project: str
    created_at: datetime
    created_by: str


class GroupGrants:
    """The grants of this installation; every refused change is in the ledger too."""

    def __init__(self, sessions: Sessions) -> None:
        """`sessions` forget what they know with each change."""
        self._sessions = sessions

    async def list(self) -> tuple[Grant, ...]:
        """Every grant, by group."""
        async with read_connection() as connection:
            rows = await connection.fetch(_LIST)
        return tuple(Grant(**dict(row)) for row in rows)

    async def of(self, groups: Iterable[Group]) -> tuple[Grant, ...]:
        """What these groups are granted."""
        async with read_connection() as connection:
            rows = await connection.fetch(_LIST_OF, [group.id for group in groups])
        return tuple(Grant(**dict(row)) for row in rows)

    async def groups(self, wanted: GroupFilter = _ALL) -> tuple[Group, ...]:
        """Groups that sources have told of and that match, by source and name, a page at a time.

        Raises:
            GroupUnknownError: the page before did not end with any group.
        """
        return await find_groups(wanted)

    async def group(self, group_id: UUID) -> Group:
        """The group of this identifier.

        Raises:
            GroupUnknownError: there is none.
        """
        return await self.find(str(group_id))

    async def find(self, text: str) -> Group:
        """The group of this identifier, of this key, or of this name if only one has it; `directory:corp/Name` too.

        Raises:
            GroupUnknownError: none, or several.
        """
        found = await groups_called(text.replace("\0", ""))
        if len(found) > 1:
            raise GroupUnknownError(f"{len(found)} groups are called {text}")
        if not found:
            raise GroupUnknownError
        return found[0]

    async def grant(self, actor: Actor, group_id: UUID, role: object, now: datetime, *, project: object = "") -> None:
        """Grant a role or an approver group to whoever is in the group; nothing happens if that is so already.

        Raises:
            GrantRefusedError: nothing that could be granted.
            GroupUnknownError: there is no such group.
            RoleChangeRefusedError: only owners grant owner, and nobody a role to a group of their own.
        """
        name, pattern = prepare_grant(role, project)
        async with self._change(actor, "grant_to_group", group_id, name, now):
            added = await current_connection().fetchval(_ADD, uuid7(), group_id, name, pattern, now, actor.id)
            if added is not None:
                facts = {"role": name, "project": pattern}
                await record(actor, events.GROUP_GRANT_GRANTED, f"group:{group_id}", now, facts=facts)

    async def revoke(self, actor: Actor, group_id: UUID, role: object, now: datetime, *, project: object = "") -> None:
        """Take a grant from a group; what was assigned to its members themselves stays.

        Raises:
            LastOwnerError: nobody else could come in as owner.
            GrantRefusedError, GroupUnknownError, RoleChangeRefusedError: as for `grant`.
        """
        name, pattern = prepare_grant(role, project)
        async with self._change(actor, "take_from_group", group_id, name, now):
            if name == Role.OWNER.value:
                await _keep_an_owner(group_id)
            removed = await current_connection().fetchval(_REMOVE, group_id, name, pattern)
            if removed is not None:
                facts = {"role": name, "project": pattern}
                await record(actor, events.GROUP_GRANT_REVOKED, f"group:{group_id}", now, facts=facts)

    @asynccontextmanager
    async def _change(self, actor: Actor, change: str, group_id: UUID, role: str, now: datetime) -> AsyncIterator[None]:
        """One change of one group by somebody who manages people with what it is about."""
        async with recorded_refusals(actor, change, f"group:{group_id}", now), transaction():
            await take_turn()
            await _check_exists(group_id)
            await check_manages(actor, {Role(role)} if role in set(Role) else set())
            await _check_is_no_member(actor, group_id)
            yield
            await announce()
        self._sessions.forget()


async def _check_exists(group_id: UUID) -> None:
    if not await current_connection().fetchval("SELECT true FROM identity_group WHERE id = $1", group_id):
        raise GroupUnknownError


async def _check_is_no_member(actor: Actor, group_id: UUID) -> None:
    """Nobody changes their own roles, by way of a group neither."""
    if actor.kind is not ActorKind.PERSON:
        return
    if await current_connection().fetchval(_IS_MEMBER, group_id, UUID(actor.id)):
        raise RoleChangeRefusedError("Nobody changes what a group of their own is granted")


async def _keep_an_owner(group_id: UUID) -> None:
    if await has_owner() and not await current_connection().fetchval(_OTHER_OWNER, group_id):
        raise LastOwnerError


def grants_of(grants: tuple[Grant, ...], group: Group) -> list[dict[str, Any]]:
    """What a group is granted, as plain values for programs."""
    return [{"role": each.role, "project": each.project} for each in grants if each.group_id == group.id]
