"""Ways in and out: the one-time link with its two steps, sign-in, sign-out."""

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.status_codes import HTTP_303_SEE_OTHER

from appliance.errors import LeashError
from appliance.identity.records import LinkOffer, PendingClaim
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
from server.dashboard.dependencies import AnyRequest, appliance_of, attempted, fields_of, now_of
from server.dashboard.providers import leaving_page, way_out
from server.dashboard.rendering import page
from server.errors import status_of


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
    """E-mail, password and code, in one step."""
    back = local_path(request.query_params.get("next", "/"))
    return _sign_in_page(request, back)


@post(SIGN_IN_PATH, guards=[requires_own_page], include_in_schema=False)
async def sign_in(request: AnyRequest) -> Response[Any]:
    """A fresh session, and on to the page that was wanted."""
    instance, now = authentication_of(request).instance, now_of(request)
    fields = await fields_of(request)
    back = local_path(fields.get("next", "/"))
    session = await attempted(
        appliance_of(request).identity.sign_ins.sign_in(
            email=fields.get("email"),
            password=fields.get("password"),
            code=fields.get("code"),
            origin=origin_of(request),
            now=now,
            previous_token=request.cookies.get(session_cookie_name(instance)),
        )
    )
    if isinstance(session, LeashError):
        return _sign_in_page(request, back, session, fields.get("email", ""))
    return Redirect(back, status_code=HTTP_303_SEE_OTHER, cookies=[session_cookie(instance, session, now)])


def _sign_in_page(request: AnyRequest, back: str, problem: LeashError | None = None, email: str = "") -> Template:
    return page(
        request,
        "sign_in.html",
        title="Sign in",
        status_code=status_of(problem) if problem else 200,
        problem=problem,
        email=email,
        back=back,
        providers=appliance_of(request).providers.choices(),
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


handlers = [show_claim, set_password, show_authenticator, confirm_authenticator, show_sign_in, sign_in, sign_out]
