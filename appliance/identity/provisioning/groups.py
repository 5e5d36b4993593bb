"""Groups that a provider adds, changes and deletes; what they may do here is granted by people, not by it."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from appliance.database.connection import current_connection
from appliance.database.identifiers import uuid7
from appliance.identity.changes import record
from appliance.identity.groups import remove_group
from appliance.identity.provisioning import events
from appliance.identity.provisioning.errors import ResourceUnknownError
from appliance.identity.provisioning.memberships import Moved, apply_steps, tell_identity, touch_users, users_below
from appliance.identity.provisioning.queries import group_by_id
from appliance.identity.provisioning.records import Caller, GroupChange, GroupContent, MemberStep, ProvisionedGroup
from appliance.identity.provisioning.refusals import Versions, change_by, check_version

_INSERT: Final = """
INSERT INTO scim_group (id, provider, display_name, external_id, version, created_at, modified_at)
VALUES ($1, $2, $3, $4, 1, $5, $5)
"""
_LOCKED: Final = "SELECT * FROM scim_group WHERE provider = $1 AND id = $2 FOR UPDATE"
_UPDATE: Final = """
UPDATE scim_group SET display_name = $2, external_id = $3, version = version + 1, modified_at = $4 WHERE id = $1
"""
_DIRECT: Final = "SELECT user_member FROM scim_member WHERE holder = $1 AND user_member IS NOT NULL"
_LEAVE: Final = """
WITH gone AS (DELETE FROM scim_member WHERE group_member = $1 RETURNING holder)
UPDATE scim_group g SET version = version + 1, modified_at = $2 FROM gone WHERE g.id = gone.holder
"""


async def create_group(
    caller: Caller, content: GroupContent, now: datetime, *, has_members: bool = True
) -> ProvisionedGroup:
    """Add a group; `has_members` answers with them.

    Raises:
        MemberUnknownError: a member is nobody of this provider.
    """
    group_id = uuid7()
    async with change_by(caller, "create_group", f"scim_group:{group_id}", now):
        await current_connection().execute(
            _INSERT, group_id, caller.provider, content.display_name, content.external_id, now
        )
        moved = await apply_steps(caller, group_id, [MemberStep(members=content.members)])
        await _tell(caller, group_id, content.display_name, moved, now)
        await _record(caller, events.GROUP_CREATED, group_id, now, content.display_name, {"members": moved.joined})
        return await group_by_id(caller, group_id, has_members=has_members)


async def change_group(
    caller: Caller,
    group_id: UUID,
    change: GroupChange,
    now: datetime,
    *,
    versions: Versions = None,
    has_members: bool = True,
) -> ProvisionedGroup:
    """Change names and members of a group; who gains or loses rights by it does so with the commit.

    Raises:
        ResourceUnknownError: the provider has no such group.
        VersionMismatchError: it has another version.
        MemberUnknownError: a new member is nobody of this provider.
        LastOwnerKeptError: somebody would lose what made them the last owner who can come in.
    """
    async with change_by(caller, "change_group", f"scim_group:{group_id}", now):
        row = await _locked(caller, group_id)
        check_version(row["version"], versions)
        name = row["display_name"] if change.display_name is None else change.display_name
        external_id = row["external_id"] if change.external_id is None else change.external_id
        moved = await apply_steps(caller, group_id, change.steps)
        is_renamed = name != row["display_name"]
        if is_renamed or external_id != row["external_id"] or moved.joined or moved.left:
            await current_connection().execute(_UPDATE, group_id, name, external_id, now)
            await _tell(caller, group_id, name, moved, now)
            if is_renamed:
                direct = await current_connection().fetch(_DIRECT, group_id)
                await touch_users([each["user_member"] for each in direct], now)
            facts = {"joined": moved.joined, "left": moved.left, "is_renamed": is_renamed}
            await _record(caller, events.GROUP_CHANGED, group_id, now, name, facts)
        return await group_by_id(caller, group_id, has_members=has_members)


async def delete_group(caller: Caller, group_id: UUID, now: datetime, *, versions: Versions = None) -> None:
    """Delete a group; its members stay, without what the group gave them.

    Raises:
        ResourceUnknownError, VersionMismatchError, LastOwnerKeptError: as for `change_group`.
    """
    async with change_by(caller, "delete_group", f"scim_group:{group_id}", now):
        row = await _locked(caller, group_id)
        check_version(row["version"], versions)
        connection = current_connection()
        users = await users_below([group_id])
        direct = await connection.fetch(_DIRECT, group_id)
        await connection.execute(_LEAVE, group_id, now)
        await connection.execute("DELETE FROM scim_group WHERE id = $1", group_id)
        await tell_identity(caller, {}, users, now)
        await remove_group(caller.actor, caller.source, str(group_id), now)
        await touch_users([each["user_member"] for each in direct], now)
        await _record(caller, events.GROUP_DELETED, group_id, now, row["display_name"], {"members": len(direct)})


async def _locked(caller: Caller, group_id: UUID) -> Any:  # noqa: ANN401 - asyncpg.Record
    row = await current_connection().fetchrow(_LOCKED, caller.provider, group_id)
    if row is None:
        raise ResourceUnknownError
    return row


async def _tell(caller: Caller, group_id: UUID, name: str, moved: Moved, now: datetime) -> None:
    users = moved.users | await users_below(moved.groups)
    await tell_identity(caller, {str(group_id): name}, users, now)
    await touch_users(moved.users, now)


async def _record(caller: Caller, event: str, group_id: UUID, now: datetime, name: str, facts: dict[str, Any]) -> None:
    facts = {"provider": caller.provider, **facts}
    await record(caller.actor, event, f"scim_group:{group_id}", now, facts=facts, personal={"display_name": name})
