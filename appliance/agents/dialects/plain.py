"""The plain form: a decision and its reason. OpenCode and OpenClaw read it through the published clients' plug-ins."""

from appliance.agents.dialects.dialect import PUBLISHED_EVENTS, Body, Dialect, Reply


def allow(_event: str, reason: str) -> Reply:
    """Plain words for: go on."""
    return {"decision": "allow", "reason": reason}


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


OPENCODE = Dialect(allow=allow, deny=deny, events=PUBLISHED_EVENTS, unfolded=_opencode)
OPENCLAW = Dialect(allow=allow, deny=deny, events=PUBLISHED_EVENTS)
