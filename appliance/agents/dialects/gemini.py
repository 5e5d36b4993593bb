"""Gemini CLI, whose hooks are given 60 seconds.

What a deny does: before a tool, it does not run; after one, the model reads the reason in place of the result; a
prompt is discarded. At Stop `decision: "block"` alone would make it try again with the reason as its next task, so
`continue: false`, which ends the session, stands beside it.
"""

from appliance.agents.dialects import plain
from appliance.agents.dialects.dialect import PUBLISHED_EVENTS, STOP, Dialect, Reply

HOLD_SECONDS = 55.0


def deny(event: str, reason: str) -> Reply:
    """Gemini's words for: do not."""
    reply = plain.deny(event, reason)
    return {**reply, "continue": False, "stopReason": reason} if event == STOP else reply


GEMINI = Dialect(allow=plain.allow, deny=deny, events=PUBLISHED_EVENTS, hold_seconds=HOLD_SECONDS)
