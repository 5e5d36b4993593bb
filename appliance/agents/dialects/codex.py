"""Codex CLI.

It discards a reply with a field that its schema for that event does not have, and then goes on, so each event gets
exactly its own fields. An allow is an empty object: `permissionDecision: "allow"` counts only with `updatedInput`.

What a deny does: before a tool, the tool does not run and the model reads why. On a prompt, nothing runs. After a
tool, the model reads the reason in place of the result. At Stop and for sessions and subagents `decision` would make
Codex go on or discard the reply: there it is `continue: false`, which ends the turn.
"""

from collections.abc import Mapping
from typing import Any, Final

from appliance.agents.dialects.dialect import (
    AFTER_TOOL,
    BEFORE_TOOL,
    PERMISSION,
    PERMISSION_EVENTS,
    PROMPT,
    Dialect,
    Reply,
)

_BLOCKED: Final = frozenset({PROMPT, BEFORE_TOOL, AFTER_TOOL})


def allow(event: str, _reason: str) -> Reply:
    """Codex's words for: go on."""
    if event == PERMISSION:
        return {"hookSpecificOutput": {"hookEventName": PERMISSION, "decision": {"behavior": "allow"}}}
    return {}


def updated(event: str, allowed: Reply, tool_input: Mapping[str, Any]) -> Reply:
    """An allow whose tool gets another input: the one case in which Codex takes `permissionDecision: "allow"`."""
    if event != BEFORE_TOOL:
        return allowed
    specific = {"hookEventName": BEFORE_TOOL, "permissionDecision": "allow", "updatedInput": tool_input}
    return {"hookSpecificOutput": specific}


def deny(event: str, reason: str) -> Reply:
    """Codex's words for: do not."""
    if event == PERMISSION:
        decision = {"behavior": "deny", "message": reason}
        return {"hookSpecificOutput": {"hookEventName": PERMISSION, "decision": decision}}
    if event not in _BLOCKED:
        return {"continue": False, "stopReason": reason}
    blocked: Reply = {"decision": "block", "reason": reason}
    if event == BEFORE_TOOL:
        blocked["hookSpecificOutput"] = {
            "hookEventName": BEFORE_TOOL, "permissionDecision": "deny", "permissionDecisionReason": reason,
        }  # fmt: skip
    return blocked


CODEX = Dialect(allow=allow, deny=deny, updated=updated, events=PERMISSION_EVENTS)
