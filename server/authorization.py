"""Guards of routes: who must be signed in, with which permission, and that a change comes from one of our own pages."""

import hmac
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final, TypeGuard
from urllib.parse import quote, urlsplit

from litestar import Request, Response
from litestar.enums import RequestEncodingType
from litestar.handlers import BaseRouteHandler
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from appliance.bootstrap import Appliance
from appliance.identity.errors import (
    PermissionMissingError,
    RequestForgedError,
    SignInRequiredError,
    StepUpRequiredError,
)
from appliance.identity.records import SignedIn
from appliance.identity.rules import Permission, is_permitted
from appliance.identity.step_ups import Act
from server.addresses import Hosts
from server.answers import answer_failure
from server.authentication import Carrier, csrf_token, machine_of, signed_in_of
from server.requests import AnyConnection, method_of

SIGN_IN_PATH: Final = "/sign-in"
STEP_UP_PATH: Final = "/step-up"
CSRF_HEADER: Final = "x-csrf-token"
CSRF_FIELD: Final = "csrf_token"
HOSTS: Final = "hosts"
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
Guard = Callable[[AnyConnection, BaseRouteHandler], Awaitable[None]]


def requires(permission: Permission) -> Guard:
    """A guard for whoever is signed in and holds `permission`; a refusal enters the ledger."""

    async def guard(connection: AnyConnection, _handler: BaseRouteHandler) -> None:
        signed_in = await _signed_in(connection)
        if not is_permitted(signed_in.roles, permission):
            appliance = _appliance_of(connection)
            method, route = _route_of(connection)
            await appliance.identity.refusals.record_permission(signed_in, permission, method, route, appliance.clock())
            raise PermissionMissingError

    guard.__name__ = f"requires_{permission.name.lower()}"
    return guard


async def requires_sign_in(connection: AnyConnection, _handler: BaseRouteHandler) -> None:
    """A guard for whoever is signed in."""
    await _signed_in(connection)


async def requires_client(connection: AnyConnection, handler: BaseRouteHandler) -> None:
    """A guard for whoever is signed in, and for machines by their own token: what that may do there, routes decide."""
    if connection.scope.get("user") is None and machine_of(connection) is not None:
        return
    await requires_sign_in(connection, handler)


async def requires_step_up(connection: AnyConnection, _handler: BaseRouteHandler) -> None:
    """A guard for dangerous acts: whoever is signed in has proved a moment ago who they are.

    Stands after the guard of the permission. The form that somebody sent from a page waits for their proof.
    Scripts' sessions are exempt: the machine's operator made them for this.
    """
    appliance, signed_in = _appliance_of(connection), signed_in_of(connection)
    now = appliance.clock()
    try:
        appliance.identity.step_ups.check(signed_in, now)
    except StepUpRequiredError as required:
        if is_form(connection) and connection.scope.get("auth") is Carrier.COOKIE:
            form = await connection.form()
            fields = {name: value for name, value in form.items() if isinstance(value, str) and name != CSRF_FIELD}
            act = Act(path=connection.scope["path"], fields=fields)
            required.act = await appliance.identity.kept_acts.keep(signed_in, act, now)
        raise


async def requires_recent_proof(connection: AnyConnection, handler: BaseRouteHandler) -> None:
    """A guard for what a sign-in leads straight to: one of a moment ago is proof enough, by whatever way it was.

    Otherwise it is `requires_step_up`, and stands where that would.
    """
    appliance = _appliance_of(connection)
    if not appliance.identity.step_ups.is_new(signed_in_of(connection), appliance.clock()):
        await requires_step_up(connection, handler)


async def requires_own_page(connection: AnyConnection, _handler: BaseRouteHandler) -> None:
    """A guard for forms of people who have no session yet: they must come from one of our own pages."""
    if not _is_from_own_page(connection, is_told_needed=True):
        await _refuse_forged(connection, None)


async def _signed_in(connection: AnyConnection) -> SignedIn:
    """Whoever is signed in; a change that a browser sends must carry the session's form token.

    Raises:
        SignInRequiredError, RequestForgedError: nobody is, or the request does not come from our pages.
    """
    signed_in = signed_in_of(connection)
    if method_of(connection.scope) in _SAFE_METHODS or connection.scope.get("auth") is Carrier.BEARER:
        return signed_in
    given = await _given_token(connection)
    expected = csrf_token(_appliance_of(connection).identity.csrf_key, signed_in.session_id)
    is_same = hmac.compare_digest(given.encode(errors="replace"), expected.encode())
    if not (is_same and _is_from_own_page(connection, is_told_needed=False)):
        await _refuse_forged(connection, signed_in)
    return signed_in


async def _given_token(connection: AnyConnection) -> str:
    """The form token of a request, in its header or in a field of its form."""
    in_header = connection.headers.get(CSRF_HEADER, "")
    if in_header or not is_form(connection):
        return in_header
    given = (await connection.form()).get(CSRF_FIELD)
    return given if isinstance(given, str) else ""


def is_form(connection: AnyConnection) -> TypeGuard[Request[Any, Any, Any]]:
    """Whether the request is one of our own pages' forms; no page of ours sends any other kind."""
    return isinstance(connection, Request) and connection.content_type[0] == RequestEncodingType.URL_ENCODED


def _is_from_own_page(connection: AnyConnection, *, is_told_needed: bool) -> bool:
    """What the browser tells of the page that sends the request (Fetch Metadata, RFC 6454 section 7).

    Scripts tell nothing: `is_told_needed` refuses that too.
    """
    site, origin = connection.headers.get("sec-fetch-site"), connection.headers.get("origin")
    if site is None and origin is None:
        return not is_told_needed
    hosts: Hosts = connection.app.state[HOSTS]
    is_own_site = site in {None, "same-origin"}
    return is_own_site and (origin is None or hosts.is_own_origin(origin, connection.headers.get("host", "")))


async def _refuse_forged(connection: AnyConnection, signed_in: SignedIn | None) -> None:
    appliance = _appliance_of(connection)
    await appliance.identity.refusals.record_request(signed_in, *_route_of(connection), appliance.clock())
    raise RequestForgedError


def _appliance_of(connection: AnyConnection) -> Appliance:
    found: Appliance = connection.app.state.appliance
    return found


def _route_of(connection: AnyConnection) -> tuple[str, str]:
    return method_of(connection.scope), connection.scope["path_template"]


def local_path(text: str) -> str:
    """The path to go on to after sign-in; `/` for everything that could lead to another site."""
    is_plain = text.isascii() and text.isprintable() and "\\" not in text
    if not (is_plain and text.startswith("/") and not text.startswith("//")):
        return "/"
    parts = urlsplit(text)
    return text if not (parts.scheme or parts.netloc or parts.path.startswith("//")) else "/"


def redirect_to_sign_in(request: Request[Any, Any, Any], failure: SignInRequiredError) -> Response[Any]:
    """Where pages send somebody who is not signed in; scripts get the plain answer."""
    if "authorization" in request.headers:
        return answer_failure(request, failure)
    if request.headers.get("HX-Request") == "true":  # a part of an open page: the whole page must go
        return Response("", status_code=HTTPStatus.UNAUTHORIZED, headers={"HX-Redirect": SIGN_IN_PATH})
    if request.method != "GET":
        return Redirect(SIGN_IN_PATH, status_code=HTTP_303_SEE_OTHER)
    query = f"?{request.url.query}" if request.url.query else ""
    return Redirect(f"{SIGN_IN_PATH}?next={quote(request.url.path + query)}", status_code=HTTP_303_SEE_OTHER)


def redirect_to_step_up(request: Request[Any, Any, Any], failure: StepUpRequiredError) -> Response[Any]:
    """Where pages send somebody who must prove again who they are; scripts of pages get the plain answer."""
    if "authorization" in request.headers or request.headers.get("accept") == "application/json":
        return answer_failure(request, failure)
    way = f"{STEP_UP_PATH}?act={failure.act}" if failure.act else STEP_UP_PATH
    if request.headers.get("HX-Request") == "true":  # a part of an open page: the whole page must go
        return Response("", status_code=HTTPStatus.FORBIDDEN, headers={"HX-Redirect": way})
    return Redirect(way, status_code=HTTP_303_SEE_OTHER)
