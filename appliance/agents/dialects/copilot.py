"""GitHub Copilot: CLI and cloud agent, whose tool input is a string with JSON in it, and VS Code.

What a deny does: before a tool, the tool does not run. At Stop `decision: "block"` alone would make the CLI go on
with the reason as its next task, so `continue: false` stands beside it, as on every other event.
"""

from collections.abc import Mapping
from typing import Any

from appliance.agents.dialects.dialect import BEFORE_TOOL, PUBLISHED_EVENTS, STOP, Dialect, Reply


def allow(event: str, reason: str) -> Reply:
    """Copilot's words for: go on."""
    if event == BEFORE_TOOL:
        return {"permissionDecision": "allow", "permissionDecisionReason": reason}
    return {"decision": "allow"} if event == STOP else {}


def updated(event: str, allowed: Reply, tool_input: Mapping[str, Any]) -> Reply:
    """An allow whose tool gets another input."""
    return {**allowed, "modifiedArgs": tool_input} if event == BEFORE_TOOL else allowed


def deny(event: str, reason: str) -> Reply:
    """Copilot's words for: do not."""
    if event == BEFORE_TOOL:
        return {"permissionDecision": "deny", "permissionDecisionReason": reason}
    return {"decision": "block", "reason": reason, "continue": False, "stopReason": reason}


COPILOT = Dialect(
    allow=allow,
    deny=deny,
    updated=updated,
    events=PUBLISHED_EVENTS,
    inputs=("toolArgs", "tool_input", "toolInput", "input", "arguments", "args", "params"),
    takes_text_input=True,
)
