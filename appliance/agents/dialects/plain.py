"""The plain form: a decision and its reason. OpenCode and OpenClaw read it through the published clients' plug-ins."""

from collections.abc import Mapping
from typing import Any

from appliance.agents.dialects.dialect import BEFORE_TOOL, PUBLISHED_EVENTS, Body, Dialect, Reply


def allow(_event: str, reason: str) -> Reply:
    """Plain words for: go on."""
    return {"decision": "allow", "reason": reason}


def updated(event: str, allowed: Reply, tool_input: Mapping[str, Any]) -> Reply:
    """An allow whose tool gets another input; `response` is what the published plug-ins call it."""
    return {**allowed, "response": tool_input, "updatedInput": tool_input} if event == BEFORE_TOOL else allowed


def deny(_event: str, reason: str) -> Reply:
    """Plain words for: do not."""
    return {"decision": "block", "reason": reason}


def _opencode(body: Body) -> Body:
    """OpenCode's plug-in interface has the tool in `input` and its arguments in `output`."""
    call, output = body.get("input"), body.get("output")
    if type(call) is not dict or type(call.get("tool")) is not str:
        return body
    arguments = output.get("args") if type(output) is dict else None
    outer = {name: value for name, value in body.items() if name not in {"input", "output"}}
    return {**call, **outer, "args": arguments if arguments is not None else body.get("args")}


OPENCODE = Dialect(allow=allow, deny=deny, updated=updated, events=PUBLISHED_EVENTS, unfolded=_opencode)
OPENCLAW = Dialect(allow=allow, deny=deny, updated=updated, events=PUBLISHED_EVENTS)
