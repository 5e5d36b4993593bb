"""The last way in: the sheet from the safe, a second person where that is set, and the owner behind glass."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.status_codes import HTTP_303_SEE_OTHER

from appliance.errors import LeashError
from appliance.identity.break_glass.records import Unsealed
from appliance.identity.changes import NOBODY
from appliance.identity.records import Role, SignedIn
from appliance.identity.rules import Permission
from server.authentication import (
    authentication_of,
    origin_of,
    session_cookie,
    session_cookie_name,
    signed_in_of,
)
from server.authorization import requires, requires_own_page, requires_step_up
from server.dashboard.dependencies import AnyRequest, appliance_of, attempted, fields_of, may, now_of
from server.dashboard.rendering import page
from server.errors import status_of

PATH = "/break-glass"
_CONFIRM = requires(Permission.PEOPLE_MANAGE)


@get(PATH, include_in_schema=False)
async def show_break_glass(request: AnyRequest) -> Template:
    """Where the sheet is typed; owners and administrators also see who waits for them."""
    return await _sheet_page(request)


async def _sheet_page(request: AnyRequest, problem: LeashError | None = None) -> Template:
    break_glass, now = appliance_of(request).break_glass, now_of(request)
    is_manager = isinstance(request.scope.get("user"), SignedIn) and may(request, Permission.PEOPLE_MANAGE)
    return page(
        request,
        "break_glass.html",
        title="Break the glass",
        status_code=status_of(problem) if problem else 200,
        problem=problem,
        is_manager=is_manager,
        is_owner=is_manager and Role.OWNER in signed_in_of(request).roles,
        status=await break_glass.status(now) if is_manager else None,
    )


@post(PATH, guards=[requires_own_page], include_in_schema=False)
async def unseal(request: AnyRequest) -> Response[Any]:
    """What stands on the sheet; with one person it opens at once, with two somebody must confirm."""
    fields, now = await fields_of(request), now_of(request)
    begun = await attempted(
        appliance_of(request).break_glass.unseal(
            NOBODY,
            password=fields.get("password"),
            token=fields.get("token"),
            origin=origin_of(request),
            now=now,
        )
    )
    if isinstance(begun, LeashError):
        return await _sheet_page(request, begun)
    return await _opened(request, begun.token) if begun.is_confirmed else _waiting_page(request, begun, begun.token)


@get("/break-glass/open/{token:str}", include_in_schema=False, sync_to_thread=False)
def show_open(request: AnyRequest, token: FromPath[str]) -> Template:
    """An unsealing that waits for its browser; opening this page uses nothing up."""
    return _waiting_page(request, None, token)


@post("/break-glass/open", guards=[requires_own_page], include_in_schema=False)
async def open_session(request: AnyRequest) -> Response[Any]:
    """The session of the owner behind glass, once nobody else is waited for."""
    return await _opened(request, (await fields_of(request)).get("token", ""))


async def _opened(request: AnyRequest, token: str) -> Response[Any]:
    instance, now = authentication_of(request).instance, now_of(request)
    previous = request.cookies.get(session_cookie_name(instance))
    session = await attempted(appliance_of(request).break_glass.open_session(token, origin_of(request), now, previous))
    if isinstance(session, LeashError):
        return _waiting_page(request, None, token, session)
    return Redirect("/", status_code=HTTP_303_SEE_OTHER, cookies=[session_cookie(instance, session, now)])


def _waiting_page(
    request: AnyRequest, begun: Unsealed | None, token: str, problem: LeashError | None = None
) -> Template:
    return page(
        request,
        "break_glass_open.html",
        title="Break the glass",
        status_code=status_of(problem) if problem else 200,
        problem=problem,
        token=token,
        begun=begun,
    )


@post("/break-glass/{waiting:uuid}/confirm", guards=[_CONFIRM, requires_step_up], include_in_schema=False)
async def confirm(request: AnyRequest, waiting: FromPath[UUID]) -> Response[Any]:
    """Let an unsealing go on, as the second person."""
    break_glass = appliance_of(request).break_glass
    done = await attempted(break_glass.confirm(signed_in_of(request).actor, waiting, now_of(request)))
    return await _decided(request, done)


@post("/break-glass/{waiting:uuid}/stop", guards=[_CONFIRM], include_in_schema=False)
async def stop(request: AnyRequest, waiting: FromPath[UUID]) -> Response[Any]:
    """End an unsealing, as the second person; whoever wants to stop one is asked for no proof first."""
    break_glass = appliance_of(request).break_glass
    done = await attempted(break_glass.stop(signed_in_of(request).actor, waiting, now_of(request)))
    return await _decided(request, done)


async def _decided(request: AnyRequest, done: LeashError | None) -> Response[Any]:
    if isinstance(done, LeashError):
        return await _sheet_page(request, done)
    return Redirect(PATH, status_code=HTTP_303_SEE_OTHER)


handlers = [show_break_glass, unseal, show_open, open_session, confirm, stop]
