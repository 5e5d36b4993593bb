"""Cursor, whose hooks before a shell command, a file, an MCP call or any tool all arrive as PreToolUse when published.

Those before a shell command or a file name no tool. What a deny does: before a tool, it does not run
(`permission`); on a prompt, it is not sent (`continue`). After something has happened Cursor takes no decision; the
deny is recorded, and told where there is a field for it.

Source: cursor.com/docs/agent/hooks.
"""

from collections.abc import Mapping
from typing import Any, Final

from appliance.actions.records import Moment
from appliance.agents.dialects import words
from appliance.agents.dialects.dialect import BEFORE_TOOL, PROMPT, PUBLISHED_EVENTS, Body, Dialect, Event, Reply
from appliance.agents.dialects.results import masked_of

OWN_HOLD_SECONDS: Final = 55.0  # for hooks that do not tell their time-out; Cursor's own is a minute
_MCP: Final = ("beforeMCPExecution", "afterMCPExecution")
_GUARDED: Final[Mapping[str, Moment]] = {
    "beforeShellExecution": Moment.BEFORE_TOOL,
    "beforeMCPExecution": Moment.BEFORE_TOOL,
    "beforeReadFile": Moment.BEFORE_TOOL,
    "beforeTabFileRead": Moment.BEFORE_TOOL,
    "subagentStart": Moment.SUBAGENT_START,
}
_TOLD: Final[Mapping[str, Moment]] = {
    "postToolUseFailure": Moment.AFTER_TOOL,
    "afterShellExecution": Moment.AFTER_TOOL,
    "afterMCPExecution": Moment.AFTER_TOOL,
    "afterFileEdit": Moment.AFTER_TOOL,
    "afterTabFileEdit": Moment.AFTER_TOOL,
    "afterAgentResponse": Moment.AFTER_MODEL,
    "afterAgentThought": Moment.AFTER_MODEL,
    "subagentStop": Moment.SUBAGENT_STOP,
    "stop": Moment.STOP,
    "sessionEnd": Moment.SESSION_END,
    "preCompact": Moment.COMPACTION,
}


def _permit(_reason: str) -> Reply:
    return {"permission": "allow"}


def _forbid(reason: str) -> Reply:
    return {"permission": "deny", "user_message": reason, "agent_message": reason}


def _hold_back(reason: str) -> Reply:
    return {"continue": False, "user_message": reason}


def _tell(reason: str) -> Reply:
    return {"user_message": reason}


def _tell_model(reason: str) -> Reply:
    return {"additional_context": reason}


def _allow_tool(reason: str) -> Reply:
    return {**words.allow(reason), **_permit(reason)}


def _deny_tool(reason: str) -> Reply:
    return {**words.block(reason), **_forbid(reason)}


def _allow_prompt(reason: str) -> Reply:
    return {**words.allow(reason), **words.go_on(reason)}


def _deny_prompt(reason: str) -> Reply:
    return {**words.block(reason), **_hold_back(reason)}


def _with_input(allowed: Reply, tool_input: Mapping[str, Any]) -> Reply:
    return {**words.with_input(allowed, tool_input), "updated_input": tool_input}


def _with_own_input(allowed: Reply, tool_input: Mapping[str, Any]) -> Reply:
    return {**allowed, "updated_input": tool_input}


def _with_output(allowed: Reply, sent: Body, masked: Body) -> Reply:
    """Cursor takes another result from MCP tools alone; their names say so."""
    output = masked_of(sent, masked, ("tool_output", "tool_response"))
    is_mcp = str(sent.get("tool_name", "")).lower().startswith(("mcp:", "mcp__"))
    return {**allowed, "updated_mcp_tool_output": output} if output is not None and is_mcp else allowed


def _unfolded(event: str, body: Body) -> Body:
    """An MCP call is told by its event; `command` and `url` are those of the server then, not of the call."""
    told = body.get("hook_event_name") if event in PUBLISHED_EVENTS else event
    if told not in _MCP:
        return body
    kept = {name: value for name, value in body.items() if name not in {"command", "url"}}
    return {"mcp_server": body.get("url") or body.get("command") or "unknown", **kept}


_EVENTS: Final[Mapping[str, Event]] = {
    **{name: Event(moment, words.allow, words.block) for name, moment in PUBLISHED_EVENTS.items()},
    BEFORE_TOOL: Event(Moment.BEFORE_TOOL, _allow_tool, _deny_tool, _with_input),
    PROMPT: Event(Moment.PROMPT, _allow_prompt, _deny_prompt),
    **{name: Event(moment, _permit, _forbid, hold_seconds=OWN_HOLD_SECONDS) for name, moment in _GUARDED.items()},
    "preToolUse": Event(Moment.BEFORE_TOOL, _permit, _forbid, _with_own_input, hold_seconds=OWN_HOLD_SECONDS),
    "beforeSubmitPrompt": Event(Moment.PROMPT, words.go_on, _hold_back, hold_seconds=OWN_HOLD_SECONDS),
    "sessionStart": Event(Moment.SESSION_START, words.go_on, _hold_back),
    "postToolUse": Event(Moment.AFTER_TOOL, words.nothing, _tell_model, masked=_with_output),
    **{name: Event(moment, words.nothing, _tell) for name, moment in _TOLD.items()},
}

CURSOR = Dialect(events=_EVENTS, takes_text_input=True, unfolded=_unfolded)
