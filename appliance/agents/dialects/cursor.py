"""Cursor, whose hooks before a shell command, a file, an MCP call or any tool all arrive as PreToolUse.

Those before a shell command or a file name no tool. What a deny does: before a tool, it does not run
(`permission`); on a prompt, it is not sent (`continue`).
"""

from collections.abc import Mapping
from typing import Any

from appliance.agents.dialects import plain
from appliance.agents.dialects.dialect import BEFORE_TOOL, PROMPT, PUBLISHED_EVENTS, Body, Dialect, Reply


def allow(event: str, reason: str) -> Reply:
    """Cursor's words for: go on."""
    reply: Reply = {"decision": "allow", "reason": reason}
    if event == BEFORE_TOOL:
        reply["permission"] = "allow"
    elif event == PROMPT:
        reply["continue"] = True
    return reply


def updated(event: str, allowed: Reply, tool_input: Mapping[str, Any]) -> Reply:
    """An allow whose tool gets another input."""
    replaced = plain.updated(event, allowed, tool_input)
    return {**replaced, "updated_input": tool_input} if event == BEFORE_TOOL else replaced


def deny(event: str, reason: str) -> Reply:
    """Cursor's words for: do not."""
    reply: Reply = {"decision": "block", "reason": reason}
    if event == BEFORE_TOOL:
        reply |= {"permission": "deny", "user_message": reason, "agent_message": reason}
    elif event == PROMPT:
        reply |= {"continue": False, "user_message": reason}
    return reply


def _unfolded(body: Body) -> Body:
    """An MCP call is told by its event; `command` and `url` are those of the server then, not of the call."""
    if body.get("hook_event_name") != "beforeMCPExecution":
        return body
    kept = {name: value for name, value in body.items() if name not in {"command", "url"}}
    return {"mcp_server": body.get("url") or body.get("command") or "unknown", **kept}


CURSOR = Dialect(
    allow=allow, deny=deny, updated=updated, events=PUBLISHED_EVENTS, takes_text_input=True, unfolded=_unfolded
)
