"""Where other people are signed in: who manages people sees and ends that."""

from uuid import UUID

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.status_codes import HTTP_303_SEE_OTHER

from appliance.identity.queries import person_by_id
from appliance.identity.rules import Permission
from server.authentication import signed_in_of
from server.authorization import requires, requires_step_up
from server.dashboard.dependencies import AnyRequest, appliance_of, now_of
from server.dashboard.rendering import page

_MANAGE = requires(Permission.PEOPLE_MANAGE)


@get("/people/{person:uuid}/sessions", guards=[_MANAGE], include_in_schema=False)
async def show_sessions(request: AnyRequest, person: FromPath[UUID]) -> Template:
    """Everything that one person is signed in with."""
    appliance = appliance_of(request)
    return page(
        request,
        "devices.html",
        title="Sessions",
        person=await person_by_id(person),
        sessions=await appliance.identity.sessions.list_own(person, now_of(request)),
        passkeys=await appliance.passkeys.list_own(person),
    )


@post("/people/{person:uuid}/sessions/{session_id:uuid}/revoke", guards=[_MANAGE], include_in_schema=False)
async def revoke_one(request: AnyRequest, person: FromPath[UUID], session_id: FromPath[UUID]) -> Redirect:
    """End one of somebody's sessions."""
    sessions = appliance_of(request).identity.sessions
    await sessions.revoke(signed_in_of(request).actor, person, session_id, now_of(request))
    return _back_to(person)


@post("/people/{person:uuid}/sessions/revoke-all", guards=[_MANAGE, requires_step_up], include_in_schema=False)
async def revoke_all(request: AnyRequest, person: FromPath[UUID]) -> Redirect:
    """End all of somebody's sessions, phones and scripts included."""
    sessions = appliance_of(request).identity.sessions
    await sessions.revoke_all(signed_in_of(request).actor, person, now_of(request))
    return _back_to(person)


@post(
    "/people/{person:uuid}/passkeys/{passkey_id:uuid}/remove", guards=[_MANAGE, requires_step_up],
    include_in_schema=False,
)  # fmt: skip
async def remove_passkey(request: AnyRequest, person: FromPath[UUID], passkey_id: FromPath[UUID]) -> Redirect:
    """Take one of somebody's passkeys away."""
    passkeys = appliance_of(request).passkeys
    await passkeys.remove(signed_in_of(request).actor, person, passkey_id, now_of(request))
    return _back_to(person)


def _back_to(person: UUID) -> Redirect:
    return Redirect(f"/people/{person}/sessions", status_code=HTTP_303_SEE_OTHER)


handlers = [show_sessions, revoke_one, revoke_all, remove_passkey]
