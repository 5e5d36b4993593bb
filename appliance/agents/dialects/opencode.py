"""OpenCode, whose hooks are functions of a plug-in: the published clients', or one that calls us under their names.

The plug-in throws on a deny, and writes `args`, `status` and `output` into what OpenCode hands it.

Source: opencode.ai/docs/plugins, @opencode-ai/plugin.
"""

from collections.abc import Mapping
from typing import Any, Final

from appliance.actions.records import Moment
from appliance.agents.dialects import words
from appliance.agents.dialects.dialect import Body, Dialect, Event, Reply
from appliance.agents.dialects.plain import PLAIN_EVENTS
from appliance.agents.dialects.results import masked_of

_BEFORE: Final = "tool.execute.before"
_AFTER: Final = "tool.execute.after"
_ASKED: Final = "permission.ask"


def _permit(reason: str) -> Reply:
    return {**words.allow(reason), "status": "allow"}


def _forbid(reason: str) -> Reply:
    return {**words.block(reason), "status": "deny"}


def _with_args(allowed: Reply, tool_input: Mapping[str, Any]) -> Reply:
    return {**words.with_input(allowed, tool_input), "args": tool_input}


def _with_output(allowed: Reply, sent: Body, masked: Body) -> Reply:
    output = masked_of(sent, masked, ("output",))
    return allowed if output is None else {**allowed, "output": output}


def _unfolded(event: str, body: Body) -> Body:
    """The plug-in interface has the call in `input`, and its arguments or its result in `output`."""
    call, output = body.get("input"), body.get("output")
    if type(call) is not dict:
        return body
    outer = {name: value for name, value in body.items() if name not in {"input", "output"}}
    if event == _ASKED:
        return {**_asked(call), **outer}
    if type(call.get("tool")) is not str:
        return body
    arguments = output.get("args") if type(output) is dict else None
    return {**call, **outer, "args": arguments if arguments is not None else outer.get("args", call.get("args"))}


def _asked(permission: Mapping[str, Any]) -> Body:
    """What OpenCode would ask a person about; of a shell the command is its pattern if nothing else tells it."""
    metadata = permission.get("metadata")
    arguments = dict(metadata) if type(metadata) is dict else {}
    tool = permission.get("type") or permission.get("permission")
    patterns = permission.get("pattern") or permission.get("patterns")
    if patterns:
        arguments.setdefault("pattern", patterns)
    if tool == "bash" and patterns and "command" not in arguments:
        arguments["command"] = patterns if type(patterns) is str else "\n".join(map(str, patterns))
    told = permission.get("tool")
    call = permission.get("callID") or (told.get("callID") if type(told) is dict else None)
    return {"tool": tool, "args": arguments, "sessionID": permission.get("sessionID"), "callID": call}


OPENCODE = Dialect(
    events={
        **PLAIN_EVENTS,
        _BEFORE: Event(Moment.BEFORE_TOOL, words.allow, words.block, _with_args),
        _ASKED: Event(Moment.BEFORE_TOOL, _permit, _forbid),
        _AFTER: Event(Moment.AFTER_TOOL, words.allow, words.block, masked=_with_output),
    },
    unfolded=_unfolded,
)
