"""A search over users and groups together (RFC 7644 section 3.4.3): first users, then groups."""

from typing import Any

import msgspec
from litestar import Response, post

from appliance.identity.provisioning.errors import FilterRefusedError
from appliance.identity.provisioning.queries import list_groups, list_users
from appliance.identity.provisioning.records import Caller, GroupPage, Query, UserPage
from server.api.scim.answers import base_of, group_answer, list_answer, user_answer
from server.api.scim.asking import asked_by_body
from server.api.scim.bodies import body_of
from server.api.scim.callers import caller_of
from server.dashboard.dependencies import AnyRequest, appliance_of


@post("/.search", status_code=200)
async def search_everything(request: AnyRequest) -> Response[Any]:
    """Users and groups that a filter finds; an attribute that one of both lacks finds none of it."""
    caller, base, raw = caller_of(request), base_of(request), await body_of(request)
    most = appliance_of(request).config.provisioning.page_size_max
    about_users = await asked_by_body(raw, is_user=True, most=most)
    about_groups = await asked_by_body(raw, is_user=False, most=most)
    users = await _users(caller, about_users.query)
    left = msgspec.structs.replace(
        about_groups.query,
        start=max(1, about_users.query.start - (users.total if users else 0)),
        count=about_groups.query.count - (len(users.users) if users else 0),
    )
    groups = await _groups(caller, left)
    if users is None and groups is None:
        raise FilterRefusedError("The filter names attributes that neither users nor groups have")
    found = [about_users.projection.of(user_answer(each, base)) for each in (users.users if users else ())]
    found += [about_groups.projection.of(group_answer(each, base)) for each in (groups.groups if groups else ())]
    total = (users.total if users else 0) + (groups.total if groups else 0)
    return list_answer(found, total=total, start=about_users.query.start)


async def _users(caller: Caller, query: Query) -> UserPage | None:
    try:
        return await list_users(caller, query)
    except FilterRefusedError:
        return None


async def _groups(caller: Caller, query: Query) -> GroupPage | None:
    try:
        return await list_groups(caller, query)
    except FilterRefusedError:
        return None


handlers = [search_everything]
