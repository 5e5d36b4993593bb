"""Codex CLI.

It discards a reply with a field that its schema for that event does not have, and then goes on, so each event gets
exactly its own fields. An allow is an empty object: `permissionDecision: "allow"` counts only with `updatedInput`.

What a deny does: before a tool, the tool does not run and the model reads why. On a prompt, nothing runs. After a
tool, the model reads the reason in place of the result; so it reads a masked result there too. At Stop and for
sessions, subagents and compactions `decision` would make Codex go on or discard the reply: there it is
`continue: false`, which ends the turn.

Source: openai/codex codex-rs/hooks/schema/generated.
"""

from collections.abc import Mapping
from typing import Any, Final

from appliance.actions.records import Moment
from appliance.agents.dialects import words
from appliance.agents.dialects.dialect import (
    AFTER_TOOL,
    BEFORE_TOOL,
    PERMISSION,
    PROMPT,
    PUBLISHED_EVENTS,
    Body,
    Dialect,
    Event,
    Reply,
)
from appliance.agents.dialects.results import masked_of, text_of


def _deny_tool(reason: str) -> Reply:
    specific = {"hookEventName": BEFORE_TOOL, "permissionDecision": "deny", "permissionDecisionReason": reason}
    return {**words.block(reason), "hookSpecificOutput": specific}


def _with_input(_allowed: Reply, tool_input: Mapping[str, Any]) -> Reply:
    """The one case in which Codex takes `permissionDecision: "allow"`."""
    specific = {"hookEventName": BEFORE_TOOL, "permissionDecision": "allow", "updatedInput": tool_input}
    return {"hookSpecificOutput": specific}


def _with_output(allowed: Reply, sent: Body, masked: Body) -> Reply:
    output = masked_of(sent, masked, ("tool_response",))
    return allowed if output is None else words.block(text_of(output))


_EVENTS: Final[Mapping[str, Event]] = {
    **{name: Event(moment, words.nothing, words.stop) for name, moment in PUBLISHED_EVENTS.items()},
    PROMPT: Event(Moment.PROMPT, words.nothing, words.block),
    BEFORE_TOOL: Event(Moment.BEFORE_TOOL, words.nothing, _deny_tool, _with_input),
    AFTER_TOOL: Event(Moment.AFTER_TOOL, words.nothing, words.block, masked=_with_output),
    PERMISSION: Event(Moment.BEFORE_TOOL, words.permission_allow, words.permission_deny),
    "PreCompact": Event(Moment.COMPACTION, words.nothing, words.stop),
    "PostCompact": Event(Moment.COMPACTION, words.nothing, words.stop),
}

CODEX = Dialect(events=_EVENTS)
