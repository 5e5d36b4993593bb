"""Sign-in of the published apps: what there is, the way to the browser, and a code for a token."""

from datetime import datetime
from typing import Any, Final

import msgspec
from litestar import get, post
from litestar.params import JSONBody
from litestar.status_codes import HTTP_200_OK

from appliance.bootstrap import Appliance
from appliance.identity.flows.records import FlowRequest
from appliance.identity.rules import shown
from server.api.organization import Organization, organization_of
from server.authentication import origin_of
from server.contract import speaks
from server.dashboard.apps import flow_address
from server.dashboard.dependencies import AnyRequest, appliance_of, now_of

MODE: Final = "enterprise"  # clients read it as: managed by the organisation
_TYPE_MAX: Final = 40


class SignInWay(msgspec.Struct, frozen=True):
    """One way to sign in; the browser's page offers them all, whichever the app names."""

    id: str
    type: str
    label: str


class Bootstrap(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What an app asks for first, and at each start."""

    mode: str
    api_url: str
    providers: list[SignInWay]
    organization: Organization


class AuthStart(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How an app begins; audience and organisation of the hosted service, and fields of later clients, are not read.

    Attributes:
        provider_type: comes back as it is; whoever signs in chooses in the browser.
        code_challenge, code_challenge_method: PKCE by S256; published clients send none.
    """

    redirect_uri: str
    provider_type: Any = None
    state: str | None = None
    code_challenge: str | None = None
    code_challenge_method: str | None = None
    snake_challenge: str | None = msgspec.field(default=None, name="code_challenge")
    snake_challenge_method: str | None = msgspec.field(default=None, name="code_challenge_method")


class AuthStarted(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where the app sends the browser, and what it sends to exchange as redirectUri."""

    authorization_url: str
    exchange_redirect_uri: str
    state: str
    provider_type: str
    expires_at: datetime


class AuthExchange(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A code for a token. The code alone says whose it is: an app that was restarted sends the rest wrongly."""

    authorization_code: str
    code_verifier: str | None = None
    snake_verifier: str | None = msgspec.field(default=None, name="code_verifier")


class Tokens(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The token once more, with its end."""

    access_token: str
    expires_at: datetime


class AppUser(msgspec.Struct, frozen=True):
    """Whose session it is."""

    id: str
    email: str
    display_name: str


class AuthExchanged(msgspec.Struct, frozen=True, kw_only=True):
    """The device's own token, told only now."""

    token: str
    tokens: Tokens
    user: AppUser
    organization: Organization


@get(
    "/v1/mobile/bootstrap",
    guards=[speaks("mobileBootstrap")],
    tags=["Apps"],
    security=[{}],
    sync_to_thread=False,
)
def show_bootstrap(request: AnyRequest) -> Bootstrap:
    """Where to call and how people sign in. A dead token is no reason to refuse: the next call tells the app."""
    appliance = appliance_of(request)
    return Bootstrap(
        mode=MODE,
        api_url=appliance.config.public_origin,
        providers=ways_of(appliance),
        organization=organization_of(appliance),
    )


@post(
    "/v1/mobile/auth/start",
    guards=[speaks("mobileAuthStart")],
    status_code=HTTP_200_OK,
    tags=["Apps"],
    security=[{}],
)
async def start_sign_in(request: AnyRequest, data: JSONBody[AuthStart]) -> AuthStarted:
    """Begin: the app opens the address in the system's browser, where the person signs in."""
    appliance = appliance_of(request)
    asked = FlowRequest(
        redirect_uri=data.redirect_uri,
        state=data.state or "",
        challenge=data.code_challenge or data.snake_challenge or "",
        challenge_method=data.code_challenge_method or data.snake_challenge_method or "",
    )
    started = await appliance.app_sign_ins.start(asked, now_of(request))
    return AuthStarted(
        authorization_url=flow_address(appliance.config.public_origin, started.token),
        exchange_redirect_uri=started.redirect_uri,
        state=started.state,
        provider_type=shown(data.provider_type, _TYPE_MAX),
        expires_at=started.expires_at,
    )


@post(
    "/v1/mobile/auth/exchange",
    guards=[speaks("mobileAuthExchange")],
    status_code=HTTP_200_OK,
    tags=["Apps"],
    security=[{}],
)
async def exchange_code(request: AnyRequest, data: JSONBody[AuthExchange]) -> AuthExchanged:
    """Give the app a token of its own for the code that the browser brought."""
    appliance = appliance_of(request)
    verifier = data.code_verifier or data.snake_verifier or ""
    admitted = await appliance.app_sign_ins.exchange(
        data.authorization_code, verifier, origin_of(request), now_of(request)
    )
    session, person = admitted.session, admitted.person
    return AuthExchanged(
        token=session.token,
        tokens=Tokens(access_token=session.token, expires_at=session.expires_at),
        user=AppUser(str(person.id), person.email, person.display_name),
        organization=organization_of(appliance),
    )


def ways_of(appliance: Appliance) -> list[SignInWay]:
    """Every way to sign in, in the order of the sign-in page."""
    ways = [SignInWay(f"directory:{name}", "ldap", label) for name, label in appliance.external.choices()]
    ways += [SignInWay(f"provider:{name}", "oidc", label) for name, label in appliance.providers.choices()]
    if appliance.config.sign_in.local_accounts:
        ways.append(SignInWay("local", "local", "E-mail and password"))
    return ways


handlers = [show_bootstrap, start_sign_in, exchange_code]
