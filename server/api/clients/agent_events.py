"""Events of agents that a desktop's local relay tells of, decided like hook calls."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from litestar import post
from litestar.params import JSONBody
from msgspec import UNSET, UnsetType

from appliance.agents import dialects
from appliance.agents.names import AGENT_NAMES, agent_of
from appliance.agents.records import AuthenticatedMachine
from appliance.clients.errors import MachineTokenNeededError
from appliance.decisions.records import Call, Requester
from appliance.errors import LeashError
from server.api.bodies import relayed_json
from server.api.clients.callers import calling_machine, person_of
from server.api.clients.texts import plain
from server.authorization import requires_client
from server.contract import RELAY_PATH
from server.dashboard.dependencies import AnyRequest, road_of
from server.hooks.errors import DecisionTimeoutError
from server.hooks.handler import words_of

# The relay gives up after 120 s; until then people can answer.
HOLD_SECONDS: Final = 110.0
_AFTER_HOLD_SECONDS: Final = 4.0
_WORD_MAX: Final = 64
_UNKNOWN: Final = "unknown"  # names stay in the ledger for ever, so nobody makes up any
_KEY_MAX: Final = 200


class RelayedTool(msgspec.Struct, frozen=True):
    """A tool that an agent wants to use."""

    name: str | None = None
    input: Any = None
    arguments: Any = None


class RelayedEvent(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What happened; transcript and raw traffic, which relays send too, are not read."""

    event_name: str
    session_id: str = ""
    project_path: str | None = None
    tool: RelayedTool | None = None
    prompt: str | None = None


class RelayedAgent(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Which agent it was."""

    kind: str
    display_name: str = ""


class RelayedRequest(msgspec.Struct, frozen=True):
    """The event with the agent; the computer is the one whose token came, whatever is told of it."""

    agent: RelayedAgent
    event: RelayedEvent


class RelayBody(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a relay sends.

    Attributes:
        idempotency_key: a repeat with the same one waits for the same ask.
    """

    request: RelayedRequest
    source: str = ""
    provider: str = ""
    idempotency_key: str | None = None
    correlation_id: str | None = None


class EventDecision(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What was decided.

    Attributes:
        decision: `allow` or `deny`; an ask has been waited for.
        final_prompt: the prompt to send on, of one that was allowed: unchanged, because policy changes none.
    """

    decision: str
    summary: str
    source: str
    deduplicated: bool
    results: list[str]
    correlation_id: str | UnsetType = UNSET
    final_prompt: str | UnsetType = UNSET


@post(RELAY_PATH, guards=[requires_client], status_code=200, before_request=relayed_json, tags=["Apps"])
async def decide_event(request: AnyRequest, data: JSONBody[RelayBody]) -> EventDecision:
    """Decide the event by policy, ask people where that says so, and record it; every doubt denies."""
    person_of(request)
    machine = calling_machine(request)
    if machine is None:
        raise MachineTokenNeededError
    try:
        async with asyncio.timeout(HOLD_SECONDS + _AFTER_HOLD_SECONDS):
            reply = await _decided(request, machine, data)
    except TimeoutError:
        return _told(data, "deny", words_of(DecisionTimeoutError()))
    except LeashError as problem:
        return _told(data, "deny", words_of(problem))
    return _told(data, str(reply["decision"]), str(reply["reason"]))


async def _decided(request: AnyRequest, machine: AuthenticatedMachine, data: RelayBody) -> Mapping[str, Any]:
    event, kind = data.request.event, agent_of(data.request.agent.kind)
    agent = kind if kind in AGENT_NAMES else _UNKNOWN
    call = Call(
        requester=Requester(
            machine_id=machine.machine_id, person_id=machine.person_id, email=machine.email, groups=machine.groups
        ),
        agent=agent,
        event=event.event_name if dialects.is_known(agent, event.event_name) else _UNKNOWN,
        body=_hook_body(data),
        is_relayed=True,
    )

    async def hung_up() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    until = asyncio.get_running_loop().time() + HOLD_SECONDS
    return await road_of(request).decisions.decide(call, hung_up=hung_up, hold_until=until)


def _hook_body(data: RelayBody) -> dict[str, Any]:
    """The event as an agent's own hook would tell of it."""
    event, tool = data.request.event, data.request.event.tool
    told: dict[str, Any] = {"session_id": event.session_id, "hook_event_name": event.event_name}
    if event.project_path:
        told["cwd"] = event.project_path
    if event.prompt is not None:
        told["prompt"] = event.prompt
    if data.idempotency_key:
        told["tool_use_id"] = data.idempotency_key[:_KEY_MAX]
    if tool is not None and tool.name is not None:
        told["tool_name"] = tool.name
        told["tool_input"] = tool.input if tool.input is not None else tool.arguments
    return told


def _told(data: RelayBody, decision: str, reason: str) -> EventDecision:
    prompt, is_allow = data.request.event.prompt, decision == "allow"
    return EventDecision(
        decision=decision,
        summary=plain(reason),
        source=plain(data.source, _WORD_MAX),
        deduplicated=False,
        results=[],
        correlation_id=plain(data.correlation_id, _KEY_MAX) if data.correlation_id else UNSET,
        final_prompt=prompt if is_allow and prompt is not None else UNSET,
    )


handlers = [decide_event]
