"""Passkeys: registering and removing one's own, and signing in by one. The browser's part is static/passkeys.js."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.status_codes import HTTP_200_OK, HTTP_303_SEE_OTHER

from appliance.errors import LeashError
from appliance.identity.passkeys.records import Asked
from server.authentication import (
    authentication_of,
    ended_cookie,
    origin_of,
    passkey_cookie,
    passkey_cookie_name,
    session_cookie,
    session_cookie_name,
    signed_in_of,
)
from server.authorization import SIGN_IN_PATH, local_path, requires_own_page, requires_sign_in, requires_step_up
from server.dashboard.dependencies import AnyRequest, appliance_of, attempted, fields_of, now_of
from server.dashboard.rendering import page
from server.errors import status_of


@get("/account/passkeys", guards=[requires_sign_in], include_in_schema=False)
async def show_passkeys(request: AnyRequest) -> Template:
    """One's own passkeys."""
    return await _passkeys_page(request)


async def _passkeys_page(request: AnyRequest, problem: LeashError | None = None) -> Template:
    passkeys = appliance_of(request).passkeys
    return page(
        request,
        "passkeys.html",
        title="Your passkeys",
        status_code=status_of(problem) if problem else 200,
        problem=problem,
        passkeys=await passkeys.list_own(signed_in_of(request).person_id),
        is_available=passkeys.is_available,
    )


@post("/account/passkeys/begin", guards=[requires_sign_in, requires_step_up], include_in_schema=False)
async def begin_registration(request: AnyRequest) -> Response[Any]:
    """The question that makes a new passkey."""
    return question(
        request, await appliance_of(request).passkeys.begin_registration(signed_in_of(request), now_of(request))
    )


@post("/account/passkeys", guards=[requires_sign_in, requires_step_up], include_in_schema=False)
async def register(request: AnyRequest) -> Response[Any]:
    """The new passkey, under the name that its person gives it."""
    fields = await fields_of(request)
    done = await attempted(
        appliance_of(request).passkeys.register(
            signed_in_of(request),
            name=fields.get("name"),
            answer=fields.get("answer"),
            browser=browser_of(request),
            origin=origin_of(request),
            now=now_of(request),
        )
    )
    if isinstance(done, LeashError):
        return await _passkeys_page(request, done)
    cookie = ended_cookie(passkey_cookie_name(authentication_of(request).instance))
    return Redirect("/account/passkeys", status_code=HTTP_303_SEE_OTHER, cookies=[cookie])


@post(
    "/account/passkeys/{passkey_id:uuid}/remove", guards=[requires_sign_in, requires_step_up], include_in_schema=False
)
async def remove(request: AnyRequest, passkey_id: FromPath[UUID]) -> Redirect:
    """Take one of one's own passkeys away."""
    signed_in = signed_in_of(request)
    passkeys = appliance_of(request).passkeys
    await passkeys.remove(signed_in.actor, signed_in.person_id, passkey_id, now_of(request))
    return Redirect("/account/passkeys", status_code=HTTP_303_SEE_OTHER)


@post("/sign-in/passkey/begin", guards=[requires_own_page], include_in_schema=False)
async def begin_sign_in(request: AnyRequest) -> Response[Any]:
    """The question to a browser whose person is not known, or known by password alone."""
    is_known = bool((await fields_of(request)).get("with_password"))
    return question(
        request, await appliance_of(request).passkeys.begin_sign_in(now_of(request), is_person_known=is_known)
    )


@post("/sign-in/passkey", guards=[requires_own_page], include_in_schema=False)
async def sign_in(request: AnyRequest) -> Response[Any]:
    """A fresh session, and on to the page that was wanted."""
    instance, now = authentication_of(request).instance, now_of(request)
    fields = await fields_of(request)
    back = local_path(fields.get("next", "/"))
    session = await attempted(
        appliance_of(request).passkeys.sign_in(
            answer=fields.get("answer"),
            browser=browser_of(request),
            email=fields.get("email"),
            password=fields.get("password"),
            origin=origin_of(request),
            now=now,
            previous_token=request.cookies.get(session_cookie_name(instance)),
        )
    )
    if isinstance(session, LeashError):
        return page(
            request,
            "passkey_problem.html",
            title="Sign in",
            status_code=status_of(session),
            problem=session,
            back=back,
            sign_in_path=SIGN_IN_PATH,
        )
    cookies = [session_cookie(instance, session, now), ended_cookie(passkey_cookie_name(instance))]
    return Redirect(back, status_code=HTTP_303_SEE_OTHER, cookies=cookies)


def question(request: AnyRequest, asked: Asked) -> Response[Any]:
    """A question for the script, and the cookie that binds its answer to this browser."""
    return Response(
        asked.options.encode(),
        status_code=HTTP_200_OK,
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
        cookies=[passkey_cookie(authentication_of(request).instance, asked, now_of(request))],
    )


def browser_of(request: AnyRequest) -> str | None:
    """What binds the question to this browser."""
    return request.cookies.get(passkey_cookie_name(authentication_of(request).instance))


handlers = [show_passkeys, begin_registration, register, remove, begin_sign_in, sign_in]
