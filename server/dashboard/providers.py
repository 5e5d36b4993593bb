"""Sign-in through OpenID Connect providers: the way there, the way back, and out again."""

from datetime import datetime
from typing import Any, Final

from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.status_codes import HTTP_200_OK, HTTP_303_SEE_OTHER

from appliance.errors import LeashError
from appliance.identity.providers.records import Begun, Callback
from appliance.identity.providers.service import Providers
from appliance.identity.records import SignedIn
from server.authentication import (
    authentication_of,
    ended_cookie,
    origin_of,
    provider_cookie,
    provider_cookie_name,
    session_cookie,
    session_cookie_name,
    signed_in_of,
)
from server.authorization import SIGN_IN_PATH, local_path, requires_sign_in
from server.dashboard.dependencies import AnyRequest, appliance_of, attempted, fields_of, now_of
from server.dashboard.rendering import page
from server.errors import status_of

_PARAMETER_MAX: Final = 4096


@get("/auth/oidc/{name:str}/begin", include_in_schema=False)
async def begin(request: AnyRequest, name: FromPath[str]) -> Response[Any]:
    """To the provider, and afterwards to the page that was wanted."""
    back = local_path(request.query_params.get("next", "/"))
    return await _sent_off(request, name, back, None)


@get("/auth/oidc/{name:str}/step-up", guards=[requires_sign_in], include_in_schema=False)
async def begin_step_up(request: AnyRequest, name: FromPath[str]) -> Response[Any]:
    """To the provider, to prove once more who is signed in here."""
    back = local_path(request.query_params.get("next", "/account"))
    return await _sent_off(request, name, back, signed_in_of(request))


async def _sent_off(request: AnyRequest, name: str, back: str, step_up_for: SignedIn | None) -> Response[Any]:
    now = now_of(request)
    begun = await attempted(
        _providers_of(request).begin(name, now, browser=_browser_of(request), back=back, step_up_for=step_up_for)
    )
    if isinstance(begun, LeashError):
        return _problem_page(request, name, begun)
    return Redirect(begun.address, status_code=HTTP_303_SEE_OTHER, cookies=[_cookie_of(request, begun, now)])


@get("/auth/oidc/{name:str}/callback", include_in_schema=False)
async def come_back(request: AnyRequest, name: FromPath[str]) -> Response[Any]:
    """Back from the provider: a fresh session, or the proof for the one that there is."""
    instance, now = authentication_of(request).instance, now_of(request)
    user = request.scope.get("user")
    finished = await attempted(
        _providers_of(request).finish(
            name,
            Callback(**{field: _parameter(request, told) for field, told in _PARAMETERS.items()}),
            browser=_browser_of(request),
            origin=origin_of(request),
            now=now,
            signed_in=user if isinstance(user, SignedIn) else None,
            previous_token=request.cookies.get(session_cookie_name(instance)),
        )
    )
    if isinstance(finished, LeashError):
        return _problem_page(request, name, finished)
    cookie = session_cookie(instance, finished.session, now)
    return Redirect(local_path(finished.back), status_code=HTTP_303_SEE_OTHER, cookies=[cookie])


@post("/auth/oidc/{name:str}/backchannel-logout", status_code=HTTP_200_OK, include_in_schema=False)
async def receive_logout(request: AnyRequest, name: FromPath[str]) -> Response[bytes]:
    """A provider says that a session is over; the token that it brings is its sign-in."""
    token = (await fields_of(request)).get("logout_token", "")
    await _providers_of(request).receive_logout(name, token, now_of(request))
    return Response(b"", headers={"Cache-Control": "no-store"})


@get("/auth/oidc/{name:str}/signed-out", include_in_schema=False)
async def show_signed_out(request: AnyRequest, name: FromPath[str]) -> Template:
    """Back from the provider after signing out there too."""
    state = _parameter(request, "state")
    is_ours = await _providers_of(request).has_signed_out(name, state, _browser_of(request), now_of(request))
    cookies = (ended_cookie(provider_cookie_name(authentication_of(request).instance)),)
    return page(request, "provider_signed_out.html", title="Signed out", is_everywhere=is_ours, cookies=cookies)


async def way_out(request: AnyRequest) -> Begun | None:
    """Where the browser signs out at the provider too; ask before the session ends here."""
    session_id = signed_in_of(request).session_id
    return await _providers_of(request).sign_out_address(session_id, _browser_of(request), now_of(request))


def leaving_page(request: AnyRequest, begun: Begun, ended: Cookie) -> Template:
    """Leads on to the provider by itself: a redirect in answer to a form would be held back by our own policy."""
    request.scope["user"] = None  # the session is over: the page is a stranger's
    cookies = (ended, _cookie_of(request, begun, now_of(request)))
    leaving = page(request, "provider_leaving.html", title="Signed out", address=begun.address, cookies=cookies)
    leaving.headers = {**leaving.headers, "Refresh": f"0;url={begun.address}", "Referrer-Policy": "no-referrer"}
    return leaving


_PARAMETERS: Final = {"state": "state", "code": "code", "issuer": "iss", "error": "error"}


def _parameter(request: AnyRequest, name: str) -> str:
    """A query parameter that is there once and short; empty otherwise."""
    found = request.query_params.getall(name, [])
    return found[0] if len(found) == 1 and len(found[0]) <= _PARAMETER_MAX else ""


def _providers_of(request: AnyRequest) -> Providers:
    return appliance_of(request).providers


def _browser_of(request: AnyRequest) -> str | None:
    return request.cookies.get(provider_cookie_name(authentication_of(request).instance))


def _cookie_of(request: AnyRequest, begun: Begun, now: datetime) -> Cookie:
    return provider_cookie(authentication_of(request).instance, begun, now)


def _problem_page(request: AnyRequest, name: str, problem: LeashError) -> Template:
    """What went wrong, in words for whoever wants to sign in, and the way to try again."""
    label = dict(_providers_of(request).choices()).get(name, "")
    problem.detail = problem.summary  # the rest names hosts and settings, and is in the log
    return page(
        request,
        "provider_problem.html",
        title="Sign in",
        status_code=status_of(problem),
        problem=problem,
        provider=name if label else "",
        label=label,
        sign_in_path=SIGN_IN_PATH,
    )


handlers = [begin, begin_step_up, come_back, receive_logout, show_signed_out]
