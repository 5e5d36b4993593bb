"""The page where a person proves again who they are before a dangerous act, and the way on from there."""

from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.status_codes import HTTP_303_SEE_OTHER

from appliance.errors import LeashError
from appliance.identity.queries import person_by_id
from appliance.identity.records import NewSession, SourceKind
from server.authentication import (
    authentication_of,
    ended_cookie,
    origin_of,
    passkey_cookie_name,
    session_cookie,
    signed_in_of,
)
from server.authorization import STEP_UP_PATH, local_path, requires_sign_in
from server.dashboard.apps import FLOW_PATH
from server.dashboard.dependencies import AnyRequest, appliance_of, attempted, fields_of, now_of, uuid_or_none
from server.dashboard.passkeys import browser_of, question
from server.dashboard.rendering import page
from server.errors import status_of

# What a kept act is called to the person who began it; the first beginning of its path that fits.
_NAMES: Final = (
    ("/approvals", "Allow what an agent asks for"),
    ("/policies", "Publish policies, or go back to an earlier version"),
    ("/people", "Change who may come in, and as what"),
    ("/groups", "Change what everybody in a group may do"),
    ("/directories", "Decide about a run of a directory"),
    ("/account/passkeys", "Change your passkeys"),
    ("/notifications", "Change whom notifications go to"),
    ("/account/connect", "Make a code that lets an app in as you"),
    (FLOW_PATH, "Let an app in as you"),
    ("/agents/tokens", "Make a token that lets computers enrol"),
    ("/break-glass", "Decide about the owner behind glass"),
)


@get(STEP_UP_PATH, guards=[requires_sign_in], include_in_schema=False)
async def show_step_up(request: AnyRequest) -> Template:
    """The ways in which this person can prove it."""
    return await _step_up_page(request, dict(request.query_params))


async def _step_up_page(request: AnyRequest, fields: dict[str, str], problem: LeashError | None = None) -> Template:
    appliance, signed_in = appliance_of(request), signed_in_of(request)
    person = await person_by_id(signed_in.person_id)
    back = onward(fields)
    return page(
        request,
        "step_up.html",
        title="Is it you?",
        status_code=status_of(problem) if problem else 200,
        problem=problem,
        act=fields.get("act", ""),
        back=local_path(fields.get("next", "/")),
        has_code=person.has_credential,
        has_passkey=appliance.passkeys.is_available and bool(await appliance.passkeys.list_own(person.id)),
        providers=[
            (label, f"/auth/oidc/{name}/step-up?next={quote(back)}")
            for name, label in appliance.providers.choices()
            if f"{SourceKind.PROVIDER.value}:{name}" in person.sources
        ],
        directories=[
            (name, label)
            for name, label in appliance.external.choices()
            if f"{SourceKind.DIRECTORY.value}:{name}" in person.sources
        ],
    )


@post(STEP_UP_PATH, guards=[requires_sign_in], include_in_schema=False)
async def prove_by_code(request: AnyRequest) -> Response[Any]:
    """A code of the authenticator, or a recovery code."""
    fields = await fields_of(request)
    step_ups = appliance_of(request).identity.step_ups
    proof = step_ups.by_code(signed_in_of(request), fields.get("code"), origin_of(request), now_of(request))
    return await _proved(request, fields, await attempted(proof))


@post("/step-up/directory/{name:str}", guards=[requires_sign_in], include_in_schema=False)
async def prove_by_directory(request: AnyRequest, name: FromPath[str]) -> Response[Any]:
    """The password of the directory that the person signs in by."""
    fields = await fields_of(request)
    external = appliance_of(request).external
    proof = external.confirm(name, signed_in_of(request), fields.get("password"), origin_of(request), now_of(request))
    return await _proved(request, fields, await attempted(proof))


@post("/step-up/passkey/begin", guards=[requires_sign_in], include_in_schema=False)
async def begin_passkey(request: AnyRequest) -> Response[Any]:
    """The question for the person's own passkeys."""
    asked = await appliance_of(request).passkeys.begin_step_up(signed_in_of(request), now_of(request))
    return question(request, asked)


@post("/step-up/passkey", guards=[requires_sign_in], include_in_schema=False)
async def prove_by_passkey(request: AnyRequest) -> Response[Any]:
    """The passkey's answer."""
    fields = await fields_of(request)
    proof = appliance_of(request).passkeys.step_up(
        signed_in_of(request),
        answer=fields.get("answer"),
        browser=browser_of(request),
        origin=origin_of(request),
        now=now_of(request),
    )
    return await _proved(request, fields, await attempted(proof))


async def _proved(request: AnyRequest, fields: dict[str, str], proof: NewSession | LeashError) -> Response[Any]:
    if isinstance(proof, LeashError):
        return await _step_up_page(request, fields, proof)
    instance = authentication_of(request).instance
    cookies = [session_cookie(instance, proof, now_of(request)), ended_cookie(passkey_cookie_name(instance))]
    return Redirect(onward(fields), status_code=HTTP_303_SEE_OTHER, cookies=cookies)


@get("/step-up/acts/{act:uuid}", guards=[requires_sign_in], include_in_schema=False)
async def show_act(request: AnyRequest, act: FromPath[UUID]) -> Template:
    """The form that has waited, to be sent once more."""
    kept = await appliance_of(request).identity.kept_acts.find(signed_in_of(request), act, now_of(request))
    what = name_of(kept.path) or "What you were about to do"
    return page(request, "step_up_act.html", title="Go on", kept=kept, what=what)


def name_of(path: str) -> str:
    """What an act is called that was sent to this path; empty for a path of no dangerous act."""
    return next((told for beginning, told in _NAMES if path.startswith(beginning)), "")


def onward(fields: dict[str, str]) -> str:
    """Where a proof leads: to the act that waits, or to the page that was wanted."""
    act = uuid_or_none(fields.get("act", ""))
    return f"/step-up/acts/{act}" if act else local_path(fields.get("next", "/"))


handlers = [show_step_up, prove_by_code, prove_by_directory, begin_passkey, prove_by_passkey, show_act]
