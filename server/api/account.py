"""Who a token belongs to."""

from datetime import datetime
from uuid import UUID

import msgspec
from litestar import get

from appliance.identity.rules import permissions_of
from server.authentication import signed_in_of
from server.authorization import requires_sign_in
from server.dashboard.dependencies import AnyRequest


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


handlers = [show_own_account]
