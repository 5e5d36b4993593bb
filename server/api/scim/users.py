"""Users, as identity providers write and read them."""

from typing import Any, Final

from litestar import Response, delete, get, patch, post, put
from litestar.params import FromPath

from appliance.identity.provisioning.errors import ResourceUnknownError
from appliance.identity.provisioning.queries import list_users, user_by_id
from appliance.identity.provisioning.records import ProvisionedUser
from appliance.identity.provisioning.users import UserChange, change_user, create_user, delete_user
from server.api.scim.answers import base_of, list_answer, resource_answer, user_answer, versions_of
from server.api.scim.asking import Asked, asked_by_body, asked_by_query, projection_of
from server.api.scim.bodies import body_of, identifier_of
from server.api.scim.callers import caller_of
from server.api.scim.loading import protocol
from server.dashboard.dependencies import AnyRequest, appliance_of, now_of

_CREATED: Final = 201


@get("/Users")
async def find_users(request: AnyRequest) -> Response[Any]:
    """Users that a filter finds."""
    return await _found(request, await asked_by_query(request, is_user=True, most=_most(request)))


@post("/Users/.search", status_code=200)
async def search_users(request: AnyRequest) -> Response[Any]:
    """The same, asked by a body."""
    return await _found(request, await asked_by_body(await body_of(request), is_user=True, most=_most(request)))


@post("/Users")
async def add_user(request: AnyRequest) -> Response[Any]:
    """Add a user."""
    content = (await protocol()).new_user(await body_of(request))
    return _answer(request, await create_user(caller_of(request), content, now_of(request)), status=_CREATED)


@get("/Users/{user_id:str}")
async def show_user(request: AnyRequest, user_id: FromPath[str]) -> Response[Any]:
    """One user."""
    identifier = identifier_of(user_id)
    if identifier is None:
        raise ResourceUnknownError
    return _answer(request, await user_by_id(caller_of(request), identifier))


@put("/Users/{user_id:str}")
async def replace_user(request: AnyRequest, user_id: FromPath[str]) -> Response[Any]:
    """Say anew all that there is to say of a user."""
    return await _changed(request, user_id, (await protocol()).user_replacement(await body_of(request)))


@patch("/Users/{user_id:str}")
async def patch_user(request: AnyRequest, user_id: FromPath[str]) -> Response[Any]:
    """Change some of it."""
    return await _changed(request, user_id, (await protocol()).user_patch(await body_of(request)))


@delete("/Users/{user_id:str}")
async def remove_user(request: AnyRequest, user_id: FromPath[str]) -> None:
    """Delete a user, who is out at once."""
    identifier = identifier_of(user_id)
    if identifier is None:
        raise ResourceUnknownError
    await delete_user(
        caller_of(request),
        identifier,
        now_of(request),
        keeps_account=appliance_of(request).config.provisioning.deactivate_instead_of_delete,
        versions=versions_of(request.headers.get("if-match", "")),
    )


async def _changed(request: AnyRequest, user_id: str, change: UserChange) -> Response[Any]:
    identifier = identifier_of(user_id)
    if identifier is None:
        raise ResourceUnknownError
    versions = versions_of(request.headers.get("if-match", ""))
    user = await change_user(caller_of(request), identifier, change, now_of(request), versions=versions)
    return _answer(request, user)


async def _found(request: AnyRequest, asked: Asked) -> Response[Any]:
    page, base = await list_users(caller_of(request), asked.query), base_of(request)
    shown = [asked.projection.of(user_answer(user, base)) for user in page.users]
    return list_answer(shown, total=page.total, start=asked.query.start)


def _answer(request: AnyRequest, user: ProvisionedUser, *, status: int = 200) -> Response[Any]:
    resource = user_answer(user, base_of(request))
    return resource_answer(request, resource, projection_of(request, is_user=True), status=status)


def _most(request: AnyRequest) -> int:
    return appliance_of(request).config.provisioning.page_size_max


handlers = [find_users, search_users, add_user, show_user, replace_user, patch_user, remove_user]
