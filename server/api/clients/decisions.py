"""The answer to an ask, as apps send it."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import post
from litestar.params import FromPath, JSONBody

from appliance.approvals.records import Answerer, Ask, Resolution
from appliance.clients.answers import refuse_machine
from appliance.clients.rules import folded
from appliance.identity.rules import Permission
from server.api.clients.callers import calling_machine
from server.api.clients.interactions import given
from server.api.clients.texts import plain
from server.authorization import requires, requires_client
from server.contract import speaks
from server.dashboard.asks import concerns, seen_ask
from server.dashboard.dependencies import AnyRequest, appliance_of, now_of, present_answerer

_MAY_ANSWER = requires(Permission.APPROVALS_ANSWER)


class ResolveBody(msgspec.Struct, frozen=True, rename="camel"):
    """An answer.

    Attributes:
        resolution_guidance: words to the agent; white space is folded, and what is beyond 500 characters is cut.
        response: with an allow, `answers` to the agent's questions by their texts; nothing else of it is read.
    """

    resolution: Resolution
    resolution_guidance: str | None = None
    response: dict[str, Any] | None = None


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """The ask after the answer.

    Attributes:
        resolution: how the ask ended; while it waits for more people, what this person answered.
        resolved_at: None while it waits for more people.
    """

    id: str
    decision: str
    resolution: str
    resolution_guidance: str
    resolved_at: datetime | None


@post(
    "/v1/mobile/decisions/{ask_id:uuid}/resolve",
    guards=[speaks("mobileDecisionResolve"), requires_client],
    status_code=200,
    tags=["Apps"],
)
async def resolve(request: AnyRequest, ask_id: FromPath[UUID], data: JSONBody[ResolveBody]) -> Resolved:
    """Allow or deny, as a person who is signed in: the first committed answer stands, and its repeat gets it again.

    Apps show what they have fetched and send no binding, so the answer is bound to the ask as it is: what an ask
    asks about never changes, and the release compares it with the live call.
    """
    machine = calling_machine(request)
    if machine is not None:
        await refuse_machine(machine.machine_id, ask_id, data.resolution, now_of(request))
    ask = await seen_ask(request, ask_id)
    if not concerns(request, ask):
        await _MAY_ANSWER(request, request.route_handler)
    return await _answered(request, ask, await present_answerer(request), data)


async def _answered(request: AnyRequest, ask: Ask, answerer: Answerer, data: ResolveBody) -> Resolved:
    result = await appliance_of(request).approvals.answer(
        ask.id,
        answerer,
        data.resolution,
        binding=ask.binding,
        guidance=folded(data.resolution_guidance or ""),
        response=given(ask.interaction, data.response),
        now=now_of(request),
    )
    ended = result.ask
    return Resolved(
        id=str(ended.id),
        decision="ask",
        # What was not refused is how the ask ended, or what this person is told again after it has expired.
        resolution=data.resolution.value,
        resolution_guidance=plain(ended.guidance),
        resolved_at=ended.resolved_at,
    )


handlers = [resolve]
