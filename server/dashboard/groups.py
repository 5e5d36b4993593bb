"""Groups of directories, providers and SCIM clients: who is granted what by them."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.status_codes import HTTP_303_SEE_OTHER

from appliance.errors import LeashError
from appliance.identity.group_grants import Grant
from appliance.identity.groups import Group
from appliance.identity.queries import sources_of_people
from appliance.identity.records import GroupFilter, Role
from appliance.identity.rules import Permission
from server.authentication import signed_in_of
from server.authorization import requires, requires_step_up
from server.dashboard.dependencies import AnyRequest, appliance_of, attempted, fields_of, now_of, uuid_or_none
from server.dashboard.rendering import page
from server.errors import status_of

PAGE: Final = 50
FIELDS: Final = ("text", "source", "granted")
_TEXT_MAX: Final = 200
_READ = requires(Permission.PEOPLE_READ)
_MANAGE = requires(Permission.PEOPLE_MANAGE)


@get("/groups", guards=[_READ], include_in_schema=False)
async def show_groups(request: AnyRequest) -> Template:
    """Groups that match, by source and name, a page at a time, with what each is granted."""
    return await _groups_page(request, dict(request.query_params))


async def _groups_page(request: AnyRequest, asked: Mapping[str, str]) -> Template:
    grants, wanted = appliance_of(request).identity.group_grants, _filter_of(asked)
    found = await grants.groups(wanted)
    shown = found[:PAGE]
    narrowed = {name: asked[name] for name in FIELDS if asked.get(name)}
    return page(
        request,
        "groups.html",
        title="Groups",
        groups=shown,
        grants=_by_group(await grants.of(shown)),
        asked={name: asked.get(name, "") for name in FIELDS},
        first=urlencode(narrowed),
        following=urlencode(narrowed | {"after": str(shown[-1].id)}) if len(found) > PAGE else "",
        is_later_page=wanted.after is not None,
        sources=await sources_of_people(),
        done=asked.get("done", ""),
    )


@get("/groups/{group:uuid}", guards=[_READ], include_in_schema=False)
async def show_group(request: AnyRequest, group: FromPath[UUID]) -> Template:
    """One group, what it is granted, and the forms that change that."""
    return await _group_page(request, group, {})


async def _group_page(
    request: AnyRequest, group_id: UUID, fields: Mapping[str, str], problem: LeashError | None = None
) -> Template:
    grants = appliance_of(request).identity.group_grants
    group: Group = await grants.group(group_id)
    return page(
        request,
        "group.html",
        title=group.name,
        status_code=status_of(problem) if problem else 200,
        group=group,
        grants=await grants.of([group]),
        roles=[role.value for role in reversed(Role)],
        fields=fields,
        problem=problem,
        done=request.query_params.get("done", ""),
    )


@post("/groups/{group:uuid}/grant", guards=[_MANAGE, requires_step_up], include_in_schema=False)
async def grant_to_group(request: AnyRequest, group: FromPath[UUID]) -> Response[Any]:
    """Grant a role, or membership of an approver group, to whoever is in the group."""
    fields, grants = await fields_of(request), appliance_of(request).identity.group_grants
    role = f"group:{name}" if (name := fields.get("approver_group", "").strip()) else fields.get("role")
    project, actor = fields.get("project", ""), signed_in_of(request).actor
    made = await attempted(grants.grant(actor, group, role, now_of(request), project=project))
    return await _answer(request, group, fields, made, "granted")


@post("/groups/{group:uuid}/revoke", guards=[_MANAGE, requires_step_up], include_in_schema=False)
async def revoke_from_group(request: AnyRequest, group: FromPath[UUID]) -> Response[Any]:
    """Take a grant from the group; what was assigned to its members themselves stays."""
    fields, grants = await fields_of(request), appliance_of(request).identity.group_grants
    project, actor = fields.get("project", ""), signed_in_of(request).actor
    made = await attempted(grants.revoke(actor, group, fields.get("role"), now_of(request), project=project))
    return await _answer(request, group, {}, made, "revoked")


async def _answer(
    request: AnyRequest, group: UUID, fields: Mapping[str, str], made: LeashError | None, done: str
) -> Response[Any]:
    if isinstance(made, LeashError):
        return await _group_page(request, group, fields, made)
    return Redirect(f"/groups/{group}?done={done}", status_code=HTTP_303_SEE_OTHER)


def _filter_of(asked: Mapping[str, str]) -> GroupFilter:
    return GroupFilter(
        text=asked.get("text", "").strip()[:_TEXT_MAX].replace("\0", ""),
        source=asked.get("source", "").replace("\0", ""),
        is_granted=bool(asked.get("granted")),
        after=uuid_or_none(asked.get("after", "")),
        limit=PAGE + 1,
    )


def _by_group(grants: tuple[Grant, ...]) -> dict[UUID, list[Grant]]:
    found = defaultdict[UUID, list[Grant]](list)
    for each in grants:
        found[each.group_id].append(each)
    return found


handlers = [show_groups, show_group, grant_to_group, revoke_from_group]
