"""Asks, for scripts: what waits, one with its exact payload, and the answer."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from appliance.actions.records import Facts
from appliance.approvals.records import Ask, Resolution
from appliance.identity.rules import Permission
from server.api.records import Body
from server.authorization import requires, requires_sign_in
from server.dashboard.asks import ask_view, concerns, pending_views, recent, seen_ask
from server.dashboard.dependencies import AnyRequest, appliance_of, now_of, present_answerer

_MAY_ANSWER = requires(Permission.APPROVALS_ANSWER)


Which = Annotated[Literal["pending", "ended"], QueryParameter(name="state")]


class AskPage(msgspec.Struct, frozen=True, kw_only=True):
    """Asks; `next` is `after` of the following page."""

    asks: list[Ask]
    next: UUID | None = None


class AskDetail(msgspec.Struct, frozen=True, kw_only=True):
    """An ask with everything that its approver should know.

    Attributes:
        action: the agent's own JSON with secrets masked; None if it was deleted.
        why_not: why you cannot answer it; empty if you can.
    """

    ask: Ask
    reason: str
    policies: list[str]
    action: Mapping[str, Any] | None
    facts: Facts | None
    is_open: bool
    why_not: str


class AnswerBody(Body, frozen=True, kw_only=True):
    """An answer to what was shown: `binding` is that of the ask as it was read.

    Attributes:
        response: with an allow, `answers` to the agent's questions by their texts; nothing else of it is read.
        number: with an allow, what the requester sees, where the policy wants it.
    """

    resolution: Resolution
    binding: str
    guidance: str = ""
    response: Mapping[str, Any] | None = None
    number: str = ""


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """The ask after the answer; it still waits while its quorum is not complete."""

    ask: Ask
    is_repeat: bool


@get("/v1/approvals", guards=[requires_sign_in], tags=["Approvals"])
async def list_asks(request: AnyRequest, which: Which = "pending", after: FromQuery[UUID | None] = None) -> AskPage:
    """What waits, oldest first, or what has ended lately, newest first; without the permission only your own."""
    if which == "ended":
        return AskPage(asks=await recent(request))
    views, following = await pending_views(request, after)
    return AskPage(asks=[view.ask for view in views], next=following)


@get("/v1/approvals/{ask_id:uuid}", guards=[requires_sign_in], tags=["Approvals"])
async def show_ask(request: AnyRequest, ask_id: FromPath[UUID]) -> AskDetail:
    """One ask."""
    view = await ask_view(request, await seen_ask(request, ask_id), 0)
    return AskDetail(
        ask=view.ask,
        reason=view.reason,
        policies=[policy.id for policy in view.policies],
        action=view.content.action,
        facts=view.content.facts,
        is_open=view.is_open,
        why_not=view.why_not,
    )


@post("/v1/approvals/{ask_id:uuid}/answer", guards=[requires_sign_in], status_code=200, tags=["Approvals"])
async def answer_ask(request: AnyRequest, ask_id: FromPath[UUID], data: JSONBody[AnswerBody]) -> Answered:
    """Allow or deny; the first committed answer stands, and its repeat gets it again."""
    ask = await seen_ask(request, ask_id)
    if not concerns(request, ask):
        await _MAY_ANSWER(request, request.route_handler)
    result = await appliance_of(request).approvals.answer(
        ask_id,
        await present_answerer(request),
        data.resolution,
        binding=data.binding,
        guidance=data.guidance,
        response=data.response,
        number=data.number,
        now=now_of(request),
    )
    return Answered(ask=result.ask, is_repeat=result.is_repeat)


handlers = [list_asks, show_ask, answer_ask]
