"""Groups of directories, providers and SCIM clients, and what they are granted, for scripts."""

from datetime import datetime
from uuid import UUID

import msgspec
from litestar import delete, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from appliance.identity.group_grants import Grant, GroupGrants
from appliance.identity.groups import Group
from appliance.identity.records import GroupFilter
from appliance.identity.rules import Permission
from server.api.records import PAGE, Body, Limit
from server.authentication import signed_in_of
from server.authorization import requires, requires_step_up
from server.dashboard.dependencies import AnyRequest, appliance_of, now_of

_READ = requires(Permission.PEOPLE_READ)
_MANAGE = requires(Permission.PEOPLE_MANAGE)
_TEXT_MAX = 200


class GroupGrant(msgspec.Struct, frozen=True, kw_only=True):
    """A role, or an approver group as `group:name`, for the projects of a pattern; empty is every project."""

    role: str
    project: str
    created_at: datetime
    created_by: str


class GroupState(msgspec.Struct, frozen=True, kw_only=True):
    """A group as its source tells of it, with its number of accounts and what it is granted."""

    id: UUID
    source: str
    key: str
    name: str
    is_gone: bool
    members: int
    grants: list[GroupGrant]


class GroupPage(msgspec.Struct, frozen=True, kw_only=True):
    """Groups, by source and name; `next` is `after` of the following page."""

    groups: list[GroupState]
    next: UUID | None


class GrantBody(Body, frozen=True, kw_only=True):
    """What to grant."""

    role: str
    project: str = ""


@get("/v1/groups", guards=[_READ], tags=["People"])
async def list_groups(
    request: AnyRequest,
    text: FromQuery[str] = "",
    source: FromQuery[str] = "",
    is_granted: FromQuery[bool] = False,  # noqa: FBT002 - as above
    after: FromQuery[UUID | None] = None,
    limit: Limit = PAGE,
) -> GroupPage:
    """Groups that match, by source and name."""
    wanted = GroupFilter(
        text=text[:_TEXT_MAX].replace("\0", ""),
        source=source[:_TEXT_MAX].replace("\0", ""),
        is_granted=is_granted,
        after=after,
        limit=limit + 1,
    )
    group_grants = appliance_of(request).identity.group_grants
    found = await group_grants.groups(wanted)
    grants = await group_grants.of(found[:limit])
    return GroupPage(
        groups=[_state(group, grants) for group in found[:limit]],
        next=found[limit - 1].id if len(found) > limit else None,
    )


@post("/v1/groups/{group_id:uuid}/grants", guards=[_MANAGE, requires_step_up], status_code=200, tags=["People"])
async def grant(request: AnyRequest, group_id: FromPath[UUID], data: JSONBody[GrantBody]) -> GroupState:
    """Grant a role, or membership of an approver group, to whoever is in the group."""
    group_grants, actor = appliance_of(request).identity.group_grants, signed_in_of(request).actor
    await group_grants.grant(actor, group_id, data.role, now_of(request), project=data.project)
    return await _present(group_grants, group_id)


@delete("/v1/groups/{group_id:uuid}/grants", guards=[_MANAGE, requires_step_up], status_code=200, tags=["People"])
async def revoke(
    request: AnyRequest, group_id: FromPath[UUID], role: FromQuery[str], project: FromQuery[str] = ""
) -> GroupState:
    """Take a grant from the group; what was assigned to its members themselves stays."""
    group_grants, actor = appliance_of(request).identity.group_grants, signed_in_of(request).actor
    await group_grants.revoke(actor, group_id, role, now_of(request), project=project)
    return await _present(group_grants, group_id)


async def _present(group_grants: GroupGrants, group_id: UUID) -> GroupState:
    group = await group_grants.group(group_id)
    return _state(group, await group_grants.of([group]))


def _state(group: Group, grants: tuple[Grant, ...]) -> GroupState:
    return GroupState(
        id=group.id,
        source=str(group.source),
        key=group.key,
        name=group.name,
        is_gone=group.is_gone,
        members=group.members,
        grants=[
            GroupGrant(role=each.role, project=each.project, created_at=each.created_at, created_by=each.created_by)
            for each in grants
            if each.group_id == group.id
        ],
    )


handlers = [list_groups, grant, revoke]
