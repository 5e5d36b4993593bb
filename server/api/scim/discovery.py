"""What the service says of itself, and optional parts of SCIM that it leaves out."""

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from appliance.identity.provisioning.errors import NotImplementedHereError, ResourceUnknownError
from server.api.scim.answers import answer, base_of, list_answer
from server.api.scim.loading import protocol
from server.dashboard.dependencies import AnyRequest, appliance_of


@get("/ServiceProviderConfig")
async def show_service(request: AnyRequest) -> Response[Any]:
    """Which optional parts there are."""
    most = appliance_of(request).config.provisioning.page_size_max
    return answer((await protocol()).service(base_of(request), most))


@get("/ResourceTypes")
async def list_resource_types(request: AnyRequest) -> Response[Any]:
    """Users and groups."""
    return _list((await protocol()).resource_types(base_of(request)))


@get("/ResourceTypes/{name:str}")
async def show_resource_type(request: AnyRequest, name: FromPath[str]) -> Response[Any]:
    """One of them."""
    return _one((await protocol()).resource_types(base_of(request)), name)


@get("/Schemas")
async def list_schemas(request: AnyRequest) -> Response[Any]:
    """The attributes of users and groups."""
    return _list((await protocol()).schemas(base_of(request)))


@get("/Schemas/{urn:str}")
async def show_schema(request: AnyRequest, urn: FromPath[str]) -> Response[Any]:
    """Those of one."""
    return _one((await protocol()).schemas(base_of(request)), urn)


@post("/Bulk", status_code=200)
async def refuse_bulk() -> None:
    """Many changes at once are many requests here.

    Raises:
        NotImplementedHereError: always.
    """
    raise NotImplementedHereError


@get("/Me")
async def refuse_me() -> None:
    """A provider's token is nobody.

    Raises:
        NotImplementedHereError: always.
    """
    raise NotImplementedHereError


def _list(found: list[dict[str, Any]]) -> Response[Any]:
    return list_answer(found, total=len(found), start=1)


def _one(found: list[dict[str, Any]], name: str) -> Response[Any]:
    for each in found:
        if each["id"].lower() == name.lower():
            return answer(each)
    raise ResourceUnknownError


handlers = [
    show_service,
    list_resource_types,
    show_resource_type,
    list_schemas,
    show_schema,
    refuse_bulk,
    refuse_me,
]
