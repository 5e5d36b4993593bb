"""Who sends a request: a session token as bearer, or in a cookie. Machines' tokens are nobody's sign-in."""

import hashlib
import hmac
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal, NamedTuple
from uuid import UUID

from litestar.datastructures import Cookie
from litestar.types import Scope

from appliance.agents.records import AuthenticatedMachine
from appliance.agents.tokens import MachineTokens
from appliance.bootstrap import Appliance
from appliance.identity.errors import SignInRequiredError
from appliance.identity.passkeys.records import Asked
from appliance.identity.providers.records import Begun
from appliance.identity.records import NewSession, Origin, PendingClaim, SignedIn
from appliance.identity.service import Identity
from server.addresses import as_mapping
from server.requests import AnyConnection

_STATE: Final = "authentication"
_MACHINE: Final = "machine"
_USER_AGENT_CHARACTERS: Final = 400


class Carrier(StrEnum):
    """How the token came."""

    NONE = ""
    BEARER = "bearer"
    COOKIE = "cookie"


class Authentication(NamedTuple):
    """What sign-in needs of this installation.

    Attributes:
        instance: keeps the cookies of several installations on one host apart.
    """

    identity: Identity
    instance: str


class Carried(NamedTuple):
    """The token of a request, if any; a request with an Authorization header is never judged by its cookies."""

    token: str | None
    carrier: Carrier


async def authenticate(scope: Scope, appliance: Appliance) -> SignedIn | None:
    """Put who sends the request into its scope, where handlers and pages find it; None for nobody."""
    instance = appliance.config.instance_name
    scope["state"][_STATE] = Authentication(appliance.identity, instance)
    carried = _carried(scope, session_cookie_name(instance))
    signed_in = await appliance.identity.sessions.authenticate(carried.token, appliance.clock())
    scope["user"] = signed_in
    scope["auth"] = carried.carrier
    return signed_in


async def authenticate_machine(scope: Scope, tokens: MachineTokens) -> AuthenticatedMachine | None:
    """Put the machine whose token came as bearer into the scope, for the few routes that take one; None for none."""
    carried = _carried(scope, "")
    machine = await tokens.authenticate(carried.token) if carried.token and carried.carrier is Carrier.BEARER else None
    scope["state"][_MACHINE] = machine
    return machine


def machine_of(connection: AnyConnection) -> AuthenticatedMachine | None:
    """The machine whose token came as bearer; only routes of clients look, everywhere else it is nobody's sign-in."""
    found: AuthenticatedMachine | None = connection.scope["state"].get(_MACHINE)
    return found


def authentication_of(connection: AnyConnection) -> Authentication:
    """What sign-in needs of this installation."""
    found: Authentication = connection.scope["state"][_STATE]
    return found


def signed_in_of(connection: AnyConnection) -> SignedIn:
    """Whoever is signed in.

    Raises:
        SignInRequiredError: nobody is.
    """
    user = connection.scope.get("user")
    if not isinstance(user, SignedIn):
        raise SignInRequiredError
    return user


def carried_token(connection: AnyConnection, cookie_name: str) -> Carried:
    """The session token of a request, and how it came."""
    return _carried(connection.scope, cookie_name)


def _carried(scope: Scope, cookie_name: str) -> Carried:
    headers = as_mapping(scope["headers"])
    if b"authorization" in headers:
        scheme, _, token = headers[b"authorization"].decode("latin-1").partition(" ")
        return Carried(token.strip() if scheme.lower() == "bearer" else None, Carrier.BEARER)
    for name, value in scope["headers"]:
        if name == b"cookie":
            for pair in value.decode("latin-1").split(";"):
                key, _, token = pair.strip().partition("=")
                if key == cookie_name:
                    return Carried(token, Carrier.COOKIE)
    return Carried(None, Carrier.NONE)


def origin_of(connection: AnyConnection) -> Origin:
    """Where the request comes from, for sessions and for limits of sign-in attempts."""
    client = connection.scope.get("client")
    agent = connection.headers.get("user-agent", "")
    return Origin(address=client[0] if client else "", user_agent=agent[:_USER_AGENT_CHARACTERS])


def csrf_token(key: bytes, session_id: UUID) -> str:
    """The token that the forms of a session carry: 64 hex digits, worthless for any other session."""
    return hmac.digest(key, b"csrf\0" + session_id.bytes, hashlib.sha256).hex()


def session_cookie_name(instance: str) -> str:
    """Name of the session's cookie; `__Host-` ties it to this host, https or loopback, and every path."""
    return f"__Host-leash-session-{instance}"


def claim_cookie_name(instance: str) -> str:
    """Name of the cookie between the two steps of a one-time link."""
    return f"__Host-leash-claim-{instance}"


def session_cookie(instance: str, session: NewSession, now: datetime) -> Cookie:
    """The cookie of a new session; `Lax`, so that links in messages lead to pages, while forms carry a token."""
    return _cookie(session_cookie_name(instance), session.token, session.expires_at - now, "lax")


def claim_cookie(instance: str, pending: PendingClaim, now: datetime) -> Cookie:
    """The cookie of a claim that waits for its second step."""
    return _cookie(claim_cookie_name(instance), pending.token, pending.expires_at - now, "strict")


def provider_cookie_name(instance: str) -> str:
    """Name of the cookie that binds an errand at a provider to the browser."""
    return f"__Host-leash-provider-{instance}"


def provider_cookie(instance: str, begun: Begun, now: datetime) -> Cookie:
    """The cookie of an errand at a provider; `Lax`, because the way back begins on the provider's site."""
    return _cookie(provider_cookie_name(instance), begun.browser, begun.expires_at - now, "lax")


def passkey_cookie_name(instance: str) -> str:
    """Name of the cookie that binds the question for a passkey to the browser."""
    return f"__Host-leash-passkey-{instance}"


def passkey_cookie(instance: str, asked: Asked, now: datetime) -> Cookie:
    """The cookie of a question for a passkey, which our own pages alone ask and answer."""
    return _cookie(passkey_cookie_name(instance), asked.browser, asked.expires_at - now, "strict")


def ended_cookie(name: str) -> Cookie:
    """Takes a cookie away."""
    return Cookie(key=name, value="", max_age=0, path="/", secure=True, httponly=True, samesite="lax")


def _cookie(name: str, value: str, life: timedelta, same_site: Literal["lax", "strict"]) -> Cookie:
    seconds = max(0, int(life.total_seconds()))
    return Cookie(key=name, value=value, max_age=seconds, path="/", secure=True, httponly=True, samesite=same_site)
