"""Ways in and out: the one-time link with its two steps, sign-in, sign-out."""

from collections.abc import Awaitable, Mapping
from typing import Any, Final

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.status_codes import HTTP_303_SEE_OTHER

from appliance.errors import LeashError
from appliance.identity.directories.errors import DirectoryUnavailableError
from appliance.identity.errors import LocalSignInOffError
from appliance.identity.records import LinkOffer, NewSession, PendingClaim
from server.authentication import (
    authentication_of,
    claim_cookie,
    claim_cookie_name,
    ended_cookie,
    origin_of,
    session_cookie,
    session_cookie_name,
    signed_in_of,
)
from server.authorization import SIGN_IN_PATH, local_path, requires_own_page, requires_sign_in
from server.dashboard.apps import flow_in
from server.dashboard.dependencies import AnyRequest, appliance_of, attempted, fields_of, now_of
from server.dashboard.providers import leaving_page, way_out
from server.dashboard.rendering import page
from server.errors import status_of

LOCAL: Final = "local"


@get("/claim/{token:str}", include_in_schema=False)
async def show_claim(request: AnyRequest, token: FromPath[str]) -> Template:
    """What the link offers; opening it uses nothing up."""
    offer = await appliance_of(request).identity.links.offer(token, now_of(request))
    return _claim_page(request, token, offer)


@post("/claim/{token:str}", guards=[requires_own_page], include_in_schema=False)
async def set_password(request: AnyRequest, token: FromPath[str]) -> Response[Any]:
    """The first step: name and password."""
    identity, now = appliance_of(request).identity, now_of(request)
    fields = await fields_of(request)
    offer = await identity.links.offer(token, now)
    password = fields.get("password", "")
    if password != fields.get("repeated", ""):
        problem = LeashError("The two passwords are not the same")
        return _claim_page(request, token, offer, problem, fields)
    pending = await attempted(
        identity.claims.set_password(
            token, display_name=fields.get("display_name"), email=fields.get("email"), password=password, now=now
        )
    )
    if isinstance(pending, LeashError):
        return _claim_page(request, token, offer, pending, fields)
    cookie = claim_cookie(authentication_of(request).instance, pending, now)
    return Redirect("/claim-code", status_code=HTTP_303_SEE_OTHER, cookies=[cookie])


def _claim_page(
    request: AnyRequest,
    token: str,
    offer: LinkOffer,
    problem: LeashError | None = None,
    fields: dict[str, str] | None = None,
) -> Template:
    status_code = 422 if problem else 200
    return page(
        request,
        "claim.html",
        title="Set up your account",
        status_code=status_code,
        token=token,
        offer=offer,
        problem=problem,
        fields=fields or {},
    )


@get("/claim-code", include_in_schema=False)
async def show_authenticator(request: AnyRequest) -> Template:
    """The second step: the secret for the authenticator, until its first code is given."""
    pending = await appliance_of(request).identity.claims.show(_pending_token(request), now_of(request))
    return _code_page(request, pending)


@post("/claim-code", guards=[requires_own_page], include_in_schema=False)
async def confirm_authenticator(request: AnyRequest) -> Template:
    """The account becomes active; the recovery codes are shown this once."""
    claims, now = appliance_of(request).identity.claims, now_of(request)
    code = (await fields_of(request)).get("code", "")
    claimed = await attempted(claims.confirm_totp(_pending_token(request), code, origin_of(request), now))
    if isinstance(claimed, LeashError):
        return _code_page(request, await claims.show(_pending_token(request), now), claimed)
    instance = authentication_of(request).instance
    cookies = (session_cookie(instance, claimed.session, now), ended_cookie(claim_cookie_name(instance)))
    title = "Keep your recovery codes"
    return page(request, "claim_done.html", title=title, codes=claimed.recovery_codes, cookies=cookies)


def _pending_token(request: AnyRequest) -> str:
    return request.cookies.get(claim_cookie_name(authentication_of(request).instance), "")


def _code_page(request: AnyRequest, pending: PendingClaim, problem: LeashError | None = None) -> Template:
    status_code = 422 if problem else 200
    title = "Set up your authenticator"
    return page(request, "claim_code.html", title=title, status_code=status_code, pending=pending, problem=problem)


@get(SIGN_IN_PATH, include_in_schema=False, sync_to_thread=False)
def show_sign_in(request: AnyRequest) -> Template:
    """Every way in, in one step each."""
    return _sign_in_page(request, local_path(request.query_params.get("next", "/")))


@post(SIGN_IN_PATH, guards=[requires_own_page], include_in_schema=False)
async def sign_in(request: AnyRequest) -> Response[Any]:
    """A fresh session by a password that is kept here, and on to the page that was wanted."""
    if not appliance_of(request).config.sign_in.local_accounts:
        raise LocalSignInOffError
    fields = await fields_of(request)
    work = appliance_of(request).identity.sign_ins.sign_in(
        email=fields.get("email"),
        password=fields.get("password"),
        code=fields.get("code"),
        origin=origin_of(request),
        now=now_of(request),
        previous_token=_previous_token(request),
    )
    return await _signed_in_by(request, work, fields, LOCAL)


@post(f"{SIGN_IN_PATH}/directory/{{name:str}}", guards=[requires_own_page], include_in_schema=False)
async def sign_in_by_directory(request: AnyRequest, name: FromPath[str]) -> Response[Any]:
    """A fresh session by the password that a directory keeps, and on to the page that was wanted."""
    fields = await fields_of(request)
    work = appliance_of(request).external.by_directory(
        name, fields.get("user"), fields.get("password"), origin_of(request), now_of(request), _previous_token(request)
    )
    return await _signed_in_by(request, work, fields, name)


async def _signed_in_by(
    request: AnyRequest, work: Awaitable[NewSession], fields: dict[str, str], tried: str
) -> Response[Any]:
    back = local_path(fields.get("next", "/"))
    session = await attempted(work)
    if isinstance(session, LeashError):
        return _sign_in_page(request, back, session, fields, tried)
    cookie = session_cookie(authentication_of(request).instance, session, now_of(request))
    return Redirect(back, status_code=HTTP_303_SEE_OTHER, cookies=[cookie])


def _previous_token(request: AnyRequest) -> str | None:
    return request.cookies.get(session_cookie_name(authentication_of(request).instance))


def _sign_in_page(
    request: AnyRequest,
    back: str,
    problem: LeashError | None = None,
    fields: Mapping[str, str] | None = None,
    tried: str = "",
) -> Template:
    """Every way in; `tried` is the one that has just failed."""
    appliance, typed = appliance_of(request), fields or {}
    if isinstance(problem, DirectoryUnavailableError):
        problem.detail = problem.summary  # the rest names hosts and settings, and is in the log
    return page(
        request,
        "sign_in.html",
        title="Sign in",
        status_code=status_of(problem) if problem else 200,
        problem=problem,
        tried=tried,
        email=typed.get("email", ""),
        user=typed.get("user", ""),
        back=back,
        flow=flow_in(back),
        is_local=appliance.config.sign_in.local_accounts,
        directories=appliance.external.choices(),
        has_passkeys=appliance.passkeys.is_available,
        providers=appliance.providers.choices(),
    )


@post("/sign-out", guards=[requires_sign_in], include_in_schema=False)
async def sign_out(request: AnyRequest) -> Response[Any]:
    """End this session, and that at the provider where it began."""
    begun = await way_out(request)
    await appliance_of(request).identity.sessions.sign_out(signed_in_of(request), now_of(request))
    cookie = ended_cookie(session_cookie_name(authentication_of(request).instance))
    if begun is not None:
        return leaving_page(request, begun, cookie)
    return Redirect(SIGN_IN_PATH, status_code=HTTP_303_SEE_OTHER, cookies=[cookie])


handlers = [
    show_claim, set_password, show_authenticator, confirm_authenticator, show_sign_in, sign_in, sign_in_by_directory,
    sign_out,
]  # fmt: skip
