"""Groups, as identity providers write and read them."""

import asyncio
from typing import Any, Final

from litestar import Response, delete, get, patch, post, put
from litestar.params import FromPath

from appliance.identity.provisioning.errors import ResourceUnknownError
from appliance.identity.provisioning.groups import change_group, create_group, delete_group
from appliance.identity.provisioning.queries import group_by_id, list_groups
from appliance.identity.provisioning.records import GroupChange, GroupContent, MemberStep, ProvisionedGroup
from server.api.scim.answers import base_of, group_answer, list_answer, resource_answer, versions_of
from server.api.scim.asking import Asked, asked_by_body, asked_by_query, projection_of
from server.api.scim.bodies import body_of, identifier_of
from server.api.scim.callers import caller_of
from server.api.scim.group_patches import group_change
from server.api.scim.loading import protocol
from server.dashboard.dependencies import AnyRequest, appliance_of, now_of

_CREATED: Final = 201


@get("/Groups")
async def find_groups(request: AnyRequest) -> Response[Any]:
    """Groups that a filter finds."""
    return await _found(request, await asked_by_query(request, is_user=False, most=_most(request)))


@post("/Groups/.search", status_code=200)
async def search_groups(request: AnyRequest) -> Response[Any]:
    """The same, asked by a body."""
    return await _found(request, await asked_by_body(await body_of(request), is_user=False, most=_most(request)))


@post("/Groups")
async def add_group(request: AnyRequest) -> Response[Any]:
    """Add a group."""
    content = await _content(request)
    made = await create_group(caller_of(request), content, now_of(request), has_members=_wants_members(request))
    return _answer(request, made, status=_CREATED)


@get("/Groups/{group_id:str}")
async def show_group(request: AnyRequest, group_id: FromPath[str]) -> Response[Any]:
    """One group."""
    identifier = identifier_of(group_id)
    if identifier is None:
        raise ResourceUnknownError
    found = await group_by_id(caller_of(request), identifier, has_members=_wants_members(request))
    return _answer(request, found)


@put("/Groups/{group_id:str}")
async def replace_group(request: AnyRequest, group_id: FromPath[str]) -> Response[Any]:
    """Say anew what a group is called and who is in it."""
    content = await _content(request)
    step = MemberStep(members=content.members, replaces=True)
    change = GroupChange(display_name=content.display_name, external_id=content.external_id, steps=(step,))
    return await _changed(request, group_id, change)


@patch("/Groups/{group_id:str}")
async def patch_group(request: AnyRequest, group_id: FromPath[str]) -> Response[Any]:
    """Change names, and who is in it."""
    return await _changed(request, group_id, group_change(await body_of(request)))


@delete("/Groups/{group_id:str}")
async def remove_group(request: AnyRequest, group_id: FromPath[str]) -> None:
    """Delete a group; its members stay."""
    identifier = identifier_of(group_id)
    if identifier is None:
        raise ResourceUnknownError
    versions = versions_of(request.headers.get("if-match", ""))
    await delete_group(caller_of(request), identifier, now_of(request), versions=versions)


async def _content(request: AnyRequest) -> GroupContent:
    """The body as a group; in a thread, because one with thousands of members takes the library a while."""
    scim, raw = await protocol(), await body_of(request)
    return await asyncio.to_thread(scim.group, raw)


async def _changed(request: AnyRequest, group_id: str, change: GroupChange) -> Response[Any]:
    identifier = identifier_of(group_id)
    if identifier is None:
        raise ResourceUnknownError
    group = await change_group(
        caller_of(request),
        identifier,
        change,
        now_of(request),
        versions=versions_of(request.headers.get("if-match", "")),
        has_members=_wants_members(request),
    )
    return _answer(request, group)


async def _found(request: AnyRequest, asked: Asked) -> Response[Any]:
    page, base = await list_groups(caller_of(request), asked.query), base_of(request)
    shown = [asked.projection.of(group_answer(group, base)) for group in page.groups]
    return list_answer(shown, total=page.total, start=asked.query.start)


def _answer(request: AnyRequest, group: ProvisionedGroup, *, status: int = 200) -> Response[Any]:
    resource = group_answer(group, base_of(request))
    return resource_answer(request, resource, projection_of(request, is_user=False), status=status)


def _wants_members(request: AnyRequest) -> bool:
    return projection_of(request, is_user=False).wants("members")


def _most(request: AnyRequest) -> int:
    return appliance_of(request).config.provisioning.page_size_max


handlers = [find_groups, search_groups, add_group, show_group, replace_group, patch_group, remove_group]
