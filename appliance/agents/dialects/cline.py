"""Cline, whose hooks are files named by their event, through our own shim; each is given 30 seconds.

What a deny does: the tool does not run, the prompt or the task does not begin (`cancel`), and the person reads why.
A hook that fails or takes too long blocks as well.

Source: docs.cline.bot/customization/hooks.
"""

from collections.abc import Mapping
from typing import Any, Final

from appliance.actions.records import Moment
from appliance.agents.body import parse
from appliance.agents.dialects.dialect import AFTER_TOOL, BEFORE_TOOL, INPUTS, PROMPT, Body, Dialect, Event, Reply

HOLD_SECONDS: Final = 25.0
_TEXT_BYTES_MAX: Final = 20 * 1024 * 1024  # the body that holds it was measured already
_EVENTS: Final[Mapping[str, Moment]] = {
    PROMPT: Moment.PROMPT,
    AFTER_TOOL: Moment.AFTER_TOOL,
    "TaskStart": Moment.SESSION_START,
    "TaskResume": Moment.SESSION_START,
    "TaskCancel": Moment.SESSION_END,
    "TaskComplete": Moment.SESSION_END,
    "PreCompact": Moment.COMPACTION,
}


def _allow(_reason: str) -> Reply:
    return {"cancel": False}


def _deny(reason: str) -> Reply:
    return {"cancel": True, "errorMessage": reason}


def _with_input(allowed: Reply, tool_input: Mapping[str, Any]) -> Reply:
    """Cline takes no other input, so its model is told what people answered."""
    answers = tool_input.get("answers")
    told = answers.items() if isinstance(answers, Mapping) else ()
    if not told:
        return allowed
    lines = "\n".join(f"{question}: {answer}" for question, answer in told)
    return {**allowed, "contextModification": f"These questions are answered already.\n{lines}"}


def _unfolded(event: str, body: Body) -> Body:
    """The fields of an event stand in an object of its name, whose first letter is small."""
    inner = body.get(event[:1].lower() + event[1:])
    if type(inner) is not dict:
        return body
    unfolded = {**body, **inner}
    if inner.get("toolName") == "use_mcp_tool" and type(inner.get("parameters")) is dict:
        unfolded |= _mcp(inner["parameters"])
    return unfolded


def _mcp(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """A call of an MCP server, whose arguments are a string with JSON in it."""
    server, tool, arguments = (parameters.get(name) for name in ("server_name", "tool_name", "arguments"))
    if type(arguments) is str:
        arguments = parse(arguments.encode(), bytes_max=_TEXT_BYTES_MAX, depth_max=64, members_max=100_000)
    return {"tool_name": f"mcp__{server}__{tool}", "parameters": {**parameters, "arguments": arguments}}


CLINE = Dialect(
    events={
        **{name: Event(moment, _allow, _deny) for name, moment in _EVENTS.items()},
        BEFORE_TOOL: Event(Moment.BEFORE_TOOL, _allow, _deny, _with_input),
    },
    hold_seconds=HOLD_SECONDS,
    inputs=("parameters", *INPUTS),
    unfolded=_unfolded,
)
