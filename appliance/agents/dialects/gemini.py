"""Gemini CLI, whose hooks are given 60 seconds.

What a deny does: before a tool, it does not run; after one, the model reads the reason in place of the result; a
prompt is discarded. At Stop `decision: "block"` alone would make it try again with the reason as its next task, so
`continue: false`, which ends the session, stands beside it.
"""

from collections.abc import Mapping
from typing import Any

from appliance.agents.dialects import plain
from appliance.agents.dialects.dialect import BEFORE_TOOL, PUBLISHED_EVENTS, STOP, Dialect, Reply

HOLD_SECONDS = 55.0


def updated(event: str, allowed: Reply, tool_input: Mapping[str, Any]) -> Reply:
    """An allow whose tool gets another input."""
    replaced = plain.updated(event, allowed, tool_input)
    own = {"hookEventName": "BeforeTool", "tool_input": tool_input}
    return {**replaced, "hookSpecificOutput": own} if event == BEFORE_TOOL else replaced


def deny(event: str, reason: str) -> Reply:
    """Gemini's words for: do not."""
    reply = plain.deny(event, reason)
    return {**reply, "continue": False, "stopReason": reason} if event == STOP else reply


GEMINI = Dialect(allow=plain.allow, deny=deny, updated=updated, events=PUBLISHED_EVENTS, hold_seconds=HOLD_SECONDS)
