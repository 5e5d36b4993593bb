"""A person's own sessions."""

from uuid import UUID

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.status_codes import HTTP_303_SEE_OTHER

from server.authentication import signed_in_of
from server.authorization import requires_sign_in
from server.dashboard.dependencies import AnyRequest, appliance_of, now_of
from server.dashboard.rendering import page


@get("/account", guards=[requires_sign_in], include_in_schema=False)
async def show_account(request: AnyRequest) -> Template:
    """Who is signed in, and where else."""
    person = signed_in_of(request).person_id
    sessions = await appliance_of(request).identity.sessions.list_own(person, now_of(request))
    return page(request, "account.html", title="Your account", sessions=sessions)


@post("/account/sessions/{session_id:uuid}/revoke", guards=[requires_sign_in], include_in_schema=False)
async def revoke_session(request: AnyRequest, session_id: FromPath[UUID]) -> Redirect:
    """End one of the person's own sessions."""
    signed_in = signed_in_of(request)
    sessions = appliance_of(request).identity.sessions
    await sessions.revoke(signed_in.actor, signed_in.person_id, session_id, now_of(request))
    return Redirect("/account", status_code=HTTP_303_SEE_OTHER)


@post("/account/sessions/revoke-others", guards=[requires_sign_in], include_in_schema=False)
async def revoke_others(request: AnyRequest) -> Redirect:
    """End all of the person's sessions but this one."""
    await appliance_of(request).identity.sessions.revoke_others(signed_in_of(request), now_of(request))
    return Redirect("/account", status_code=HTTP_303_SEE_OTHER)


handlers = [show_account, revoke_session, revoke_others]
