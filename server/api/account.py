"""Who a token belongs to."""

from datetime import datetime
from uuid import UUID

import msgspec
from litestar import delete, get
from litestar.params import FromPath

from appliance.identity.records import Session
from appliance.identity.rules import permissions_of
from server.authentication import signed_in_of
from server.authorization import requires_sign_in
from server.dashboard.dependencies import AnyRequest, appliance_of, now_of


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """The person behind a session, and what the roles permit."""

    person_id: UUID
    display_name: str
    email: str
    roles: list[str]
    permissions: list[str]
    session_kind: str
    session_expires_at: datetime


@get("/v1/account", guards=[requires_sign_in], tags=["Account"], sync_to_thread=False)
def show_own_account(request: AnyRequest) -> Account:
    """Who you are."""
    signed_in = signed_in_of(request)
    return Account(
        person_id=signed_in.person_id,
        display_name=signed_in.display_name,
        email=signed_in.email,
        roles=sorted(signed_in.roles),
        permissions=sorted(permissions_of(signed_in.roles)),
        session_kind=signed_in.kind,
        session_expires_at=signed_in.expires_at,
    )


class SessionPage(msgspec.Struct, frozen=True, kw_only=True):
    """Where the person is signed in, the last used first; `current` is the session of this request."""

    sessions: list[Session]
    current: UUID


class Ended(msgspec.Struct, frozen=True):
    """How many sessions have ended."""

    ended: int


@get("/v1/account/sessions", guards=[requires_sign_in], tags=["Account"])
async def list_own_sessions(request: AnyRequest) -> SessionPage:
    """Where you are signed in: browsers, phones, desktops and scripts."""
    signed_in = signed_in_of(request)
    found = await appliance_of(request).identity.sessions.list_own(signed_in.person_id, now_of(request))
    return SessionPage(sessions=list(found), current=signed_in.session_id)


@delete("/v1/account/sessions", guards=[requires_sign_in], status_code=200, tags=["Account"])
async def end_other_sessions(request: AnyRequest) -> Ended:
    """End all of your sessions but the one of this request."""
    return Ended(await appliance_of(request).identity.sessions.revoke_others(signed_in_of(request), now_of(request)))


@delete("/v1/account/sessions/{session_id:uuid}", guards=[requires_sign_in], tags=["Account"])
async def end_own_session(request: AnyRequest, session_id: FromPath[UUID]) -> None:
    """End one of your sessions; also that of this request."""
    signed_in = signed_in_of(request)
    sessions = appliance_of(request).identity.sessions
    await sessions.revoke(signed_in.actor, signed_in.person_id, session_id, now_of(request))


handlers = [show_own_account, list_own_sessions, end_other_sessions, end_own_session]
