"""Reading users and groups of one provider; no other provider's are ever seen."""

import json
from collections import defaultdict
from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

from appliance.database.connection import Connection, read_connection
from appliance.identity.provisioning.errors import ResourceUnknownError, TooManyError
from appliance.identity.provisioning.records import (
    Caller,
    GroupPage,
    Member,
    Membership,
    ProvisionedGroup,
    ProvisionedUser,
    Query,
    UserPage,
)
from appliance.identity.provisioning.statements import GROUP, USER, Attributes, Compiler, order_by

MEMBERS_MAX: Final = 100_000
_USERS: Final = "scim_user r WHERE r.provider = $1 AND r.deleted_at IS NULL"
_GROUPS: Final = "scim_group r WHERE r.provider = $1"
_GROUPS_OF: Final = """
SELECT m.user_member AS user_id, g.id, g.display_name FROM scim_member m JOIN scim_group g ON g.id = m.holder
WHERE m.user_member = ANY($1) ORDER BY g.id
"""
_MEMBERS_OF: Final = """
SELECT holder, coalesce(user_member, group_member) AS id, user_member IS NULL AS is_group
FROM scim_member WHERE holder = ANY($1) ORDER BY id LIMIT $2
"""


async def user_by_id(caller: Caller, user_id: UUID) -> ProvisionedUser:
    """One user.

    Raises:
        ResourceUnknownError: the provider has none.
    """
    async with read_connection() as connection:
        row = await connection.fetchrow(f"SELECT r.* FROM {_USERS} AND r.id = $2", caller.provider, user_id)  # noqa: S608 - constants
        if row is None:
            raise ResourceUnknownError
        groups = await _groups_of(connection, [user_id])
    return _user(row, groups)


async def group_by_id(caller: Caller, group_id: UUID, *, has_members: bool = True) -> ProvisionedGroup:
    """One group, with its members if they are asked for.

    Raises:
        ResourceUnknownError: the provider has none.
        TooManyError: it has more members than an answer holds.
    """
    async with read_connection() as connection:
        row = await connection.fetchrow(f"SELECT r.* FROM {_GROUPS} AND r.id = $2", caller.provider, group_id)  # noqa: S608 - constants
        if row is None:
            raise ResourceUnknownError
        members = await _members_of(connection, [group_id]) if has_members else {}
    return _group(row, members)


async def list_users(caller: Caller, query: Query) -> UserPage:
    """Users that the query asks for.

    Raises:
        FilterRefusedError, PathRefusedError: it asks by what there is not.
    """
    async with read_connection() as connection:
        total, rows = await _page(connection, USER, _USERS, caller, query)
        groups = await _groups_of(connection, [row["id"] for row in rows]) if query.has_related else {}
    return UserPage(total=total, users=tuple(_user(row, groups) for row in rows))


async def list_groups(caller: Caller, query: Query) -> GroupPage:
    """Groups that the query asks for.

    Raises:
        FilterRefusedError, PathRefusedError: it asks by what there is not.
        TooManyError: they have more members than an answer holds.
    """
    async with read_connection() as connection:
        total, rows = await _page(connection, GROUP, _GROUPS, caller, query)
        members = await _members_of(connection, [row["id"] for row in rows]) if query.has_related else {}
    return GroupPage(total=total, groups=tuple(_group(row, members) for row in rows))


async def _page(
    connection: Connection,
    attributes: Attributes,
    source: str,
    caller: Caller,
    query: Query,
) -> tuple[int, list[Any]]:
    parameters: list[Any] = [caller.provider]
    if query.condition is not None:
        source += f" AND {Compiler(attributes, parameters).where(query.condition)}"
    order = order_by(attributes, query.sort_by, is_descending=query.is_descending)
    total = await connection.fetchval(f"SELECT count(*) FROM {source}", *parameters)  # noqa: S608 - see `statements`
    if not query.count or query.start > total:
        return total, []
    limits = f"LIMIT {int(query.count)} OFFSET {int(query.start) - 1}"
    rows = await connection.fetch(f"SELECT r.* FROM {source} ORDER BY {order} {limits}", *parameters)  # noqa: S608 - as above
    return total, rows


async def _groups_of(connection: Connection, users: Collection[UUID]) -> dict[UUID, tuple[Membership, ...]]:
    found: dict[UUID, list[Membership]] = defaultdict(list)
    for row in await connection.fetch(_GROUPS_OF, list(users)) if users else ():
        found[row["user_id"]].append(Membership(row["id"], row["display_name"]))
    return {user: tuple(groups) for user, groups in found.items()}


async def _members_of(connection: Connection, groups: Collection[UUID]) -> dict[UUID, tuple[Member, ...]]:
    rows = await connection.fetch(_MEMBERS_OF, list(groups), MEMBERS_MAX + 1) if groups else ()
    if len(rows) > MEMBERS_MAX:
        raise TooManyError(f"The groups have more than {MEMBERS_MAX} members; ask with excludedAttributes=members")
    found: dict[UUID, list[Member]] = defaultdict(list)
    for row in rows:
        found[row["holder"]].append(Member(id=row["id"], is_group=row["is_group"]))
    return {group: tuple(members) for group, members in found.items()}


def _user(row: Any, groups: dict[UUID, tuple[Membership, ...]]) -> ProvisionedUser:  # noqa: ANN401 - asyncpg.Record
    return ProvisionedUser(
        id=row["id"],
        document=json.loads(row["document"]),
        groups=groups.get(row["id"], ()),
        version=row["version"],
        created_at=row["created_at"],
        modified_at=row["modified_at"],
    )


def _group(row: Any, members: dict[UUID, tuple[Member, ...]]) -> ProvisionedGroup:  # noqa: ANN401 - asyncpg.Record
    return ProvisionedGroup(
        id=row["id"],
        display_name=row["display_name"],
        external_id=row["external_id"],
        members=members.get(row["id"], ()),
        version=row["version"],
        created_at=row["created_at"],
        modified_at=row["modified_at"],
    )
