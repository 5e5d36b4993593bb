"""Claude Code, and NanoClaw, which speaks the same.

What a deny does: before a tool, the tool does not run and the model reads why. On a prompt, the prompt is dropped
(`decision`) and nothing runs. Anywhere else the turn ends (`continue: false`): at Stop a `decision: "block"` would
make the agent go on, so it is never sent there.
"""

from collections.abc import Mapping
from typing import Any

from appliance.agents.dialects.dialect import (
    BEFORE_TOOL,
    PERMISSION,
    PERMISSION_EVENTS,
    PROMPT,
    PUBLISHED_EVENTS,
    Dialect,
    Reply,
)


def _before_tool(decision: str, reason: str) -> Reply:
    specific = {"hookEventName": BEFORE_TOOL, "permissionDecision": decision, "permissionDecisionReason": reason}
    return {"hookSpecificOutput": specific}


def allow(event: str, reason: str) -> Reply:
    """Claude Code's words for: go on."""
    if event == BEFORE_TOOL:
        return _before_tool("allow", reason)
    if event == PERMISSION:
        return {"hookSpecificOutput": {"hookEventName": PERMISSION, "decision": {"behavior": "allow"}}}
    return {"continue": True}


def updated(event: str, allowed: Reply, tool_input: Mapping[str, Any]) -> Reply:
    """An allow whose tool gets another input."""
    if event == BEFORE_TOOL:
        return {"hookSpecificOutput": {**allowed["hookSpecificOutput"], "updatedInput": tool_input}}
    if event == PERMISSION:
        decision = {"behavior": "allow", "updatedInput": tool_input}
        return {"hookSpecificOutput": {"hookEventName": PERMISSION, "decision": decision}}
    return allowed


def deny(event: str, reason: str) -> Reply:
    """Claude Code's words for: do not."""
    if event == BEFORE_TOOL:
        return _before_tool("deny", reason)
    if event == PERMISSION:
        decision = {"behavior": "deny", "message": reason}
        return {"hookSpecificOutput": {"hookEventName": PERMISSION, "decision": decision}}
    stopped: Reply = {"continue": False, "stopReason": reason}
    return {**stopped, "decision": "block", "reason": reason} if event == PROMPT else stopped


CLAUDE = Dialect(allow=allow, deny=deny, updated=updated, events=PERMISSION_EVENTS)
NANOCLAW = Dialect(allow=allow, deny=deny, updated=updated, events=PUBLISHED_EVENTS)
