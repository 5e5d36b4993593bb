"""Asks that wait for a person: the live list, one ask with its exact payload, and the answer."""

from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.status_codes import HTTP_303_SEE_OTHER

from appliance.approvals.queries import ask_by_id
from appliance.approvals.records import Resolution
from appliance.approvals.responses import ANSWER_CHARACTERS_MAX
from appliance.approvals.rules import GUIDANCE_MAX
from appliance.errors import LeashError
from appliance.identity.rules import Permission
from server.authorization import requires, requires_sign_in, requires_step_up
from server.dashboard.answers import response_of
from server.dashboard.asks import ask_view, concerns, pending_views, recent, seen_ask
from server.dashboard.dependencies import (
    AnyRequest,
    appliance_of,
    attempted,
    fields_of,
    now_of,
    present_answerer,
    uuid_or_none,
)
from server.dashboard.payload import PAGE_CHARACTERS, plain_text
from server.dashboard.rendering import PAGE_HEADERS, page
from server.dashboard.visible import excerpt
from server.errors import status_of

_MAY_ANSWER: Final = requires(Permission.APPROVALS_ANSWER)


@get("/approvals", guards=[requires_sign_in], include_in_schema=False)
async def list_approvals(request: AnyRequest) -> Template:
    """What waits, and what was answered lately; with `HX-Request` only these two lists, for the open page."""
    is_fragment = request.headers.get("HX-Request") == "true"
    answered = uuid_or_none(request.query_params.get("answered", ""))
    views, following = await pending_views(request, uuid_or_none(request.query_params.get("after", "")))
    return page(
        request,
        "approvals_lists.html" if is_fragment else "approvals.html",
        title="Approvals",
        views=views,
        following=following,
        recent=await recent(request),
        answered=await seen_ask(request, answered) if answered else None,
        guidance_max=GUIDANCE_MAX,
    )


@get("/approvals/{ask_id:uuid}", guards=[requires_sign_in], include_in_schema=False)
async def show_approval(request: AnyRequest, ask_id: FromPath[UUID]) -> Template:
    """One ask."""
    return await _detail(request, ask_id)


@get("/approvals/{ask_id:uuid}/payload", guards=[requires_sign_in], include_in_schema=False)
async def show_payload(request: AnyRequest, ask_id: FromPath[UUID]) -> Response[str]:
    """The whole masked payload as plain text."""
    view = await ask_view(request, await seen_ask(request, ask_id), 0)
    return Response(plain_text(view.content.action), media_type="text/plain", headers=PAGE_HEADERS)


@post("/approvals/{ask_id:uuid}/answer", guards=[requires_sign_in], include_in_schema=False)
async def answer(request: AnyRequest, ask_id: FromPath[UUID]) -> Response[Any]:
    """Allow or deny; a refusal is shown on the ask's own page."""
    ask = await seen_ask(request, ask_id)
    if not concerns(request, ask) and (refusal := _MAY_ANSWER(request, request.route_handler)):
        await refusal
    fields = await fields_of(request)
    if ask.terms.step_up and fields.get("resolution") == Resolution.ALLOW:
        await requires_step_up(request, request.route_handler)
    done = await attempted(
        appliance_of(request).approvals.answer(
            ask_id,
            await present_answerer(request),
            Resolution.ALLOW if fields.get("resolution") == Resolution.ALLOW else Resolution.DENY,
            binding=fields.get("binding", ""),
            guidance=fields.get("guidance", ""),
            now=now_of(request),
            response=response_of(fields, ask.interaction),
            number=fields.get("number", ""),
        )
    )
    if isinstance(done, LeashError):
        return await _detail(request, ask_id, done)
    return Redirect(f"/approvals?answered={ask_id}", status_code=HTTP_303_SEE_OTHER)


async def _detail(request: AnyRequest, ask_id: UUID, problem: LeashError | None = None) -> Template:
    ask = await ask_by_id(ask_id) if problem else await seen_ask(request, ask_id)
    return page(
        request,
        "approval.html",
        title="Approval",
        status_code=status_of(problem) if problem else 200,
        view=await ask_view(request, ask, PAGE_CHARACTERS),
        plan=excerpt(ask.interaction.markdown, PAGE_CHARACTERS) if ask.interaction.markdown else None,
        answer_max=ANSWER_CHARACTERS_MAX,
        problem=problem,
        guidance_max=GUIDANCE_MAX,
    )


handlers = [list_approvals, show_approval, show_payload, answer]
