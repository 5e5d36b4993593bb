"""Gemini CLI, whose hooks are given 60 seconds.

What a deny does: before a tool, it does not run; after one, the model reads the reason in place of the result, and so
it reads a masked result; a prompt is discarded; a request to the model is not sent, an answer of it is thrown away.
At Stop (`AfterAgent`) `decision: "block"` alone would make it try again with the reason as its next task, so
`continue: false`, which ends the session, stands beside it, or alone under the agent's own name.

Source: google-gemini/gemini-cli docs/hooks/reference.md.
"""

from collections.abc import Mapping
from typing import Any, Final

from appliance.actions.records import Moment
from appliance.agents.dialects import words
from appliance.agents.dialects.dialect import (
    AFTER_TOOL,
    BEFORE_TOOL,
    PUBLISHED_EVENTS,
    STOP,
    Body,
    Dialect,
    Event,
    Reply,
)
from appliance.agents.dialects.results import masked_of, text_of

HOLD_SECONDS = 55.0
_SELECTION: Final = "BeforeToolSelection"


def _deny(reason: str) -> Reply:
    return {"decision": "deny", "reason": reason}


def _own_input(allowed: Reply, tool_input: Mapping[str, Any]) -> Reply:
    return {**allowed, "hookSpecificOutput": {"hookEventName": "BeforeTool", "tool_input": tool_input}}


def _with_input(allowed: Reply, tool_input: Mapping[str, Any]) -> Reply:
    return _own_input(words.with_input(allowed, tool_input), tool_input)


def _with_output(allowed: Reply, sent: Body, masked: Body) -> Reply:
    output = masked_of(sent, masked, ("tool_response",))
    return allowed if output is None else _deny(text_of(output))


def _no_tools(_reason: str) -> Reply:
    return {"hookSpecificOutput": {"hookEventName": _SELECTION, "toolConfig": {"mode": "NONE"}}}


def _tell(reason: str) -> Reply:
    return {"systemMessage": reason}


_EVENTS: Final[Mapping[str, Event]] = {
    **{name: Event(moment, words.allow, words.block) for name, moment in PUBLISHED_EVENTS.items()},
    BEFORE_TOOL: Event(Moment.BEFORE_TOOL, words.allow, words.block, _with_input),
    AFTER_TOOL: Event(Moment.AFTER_TOOL, words.allow, words.block, masked=_with_output),
    STOP: Event(Moment.STOP, words.allow, words.block_and_stop),
    "BeforeTool": Event(Moment.BEFORE_TOOL, words.allow, _deny, _own_input),
    "AfterTool": Event(Moment.AFTER_TOOL, words.allow, _deny, masked=_with_output),
    "BeforeAgent": Event(Moment.PROMPT, words.allow, _deny),
    "AfterAgent": Event(Moment.STOP, words.allow, words.stop),
    "BeforeModel": Event(Moment.BEFORE_MODEL, words.allow, _deny),
    _SELECTION: Event(Moment.BEFORE_MODEL, words.nothing, _no_tools),
    "AfterModel": Event(Moment.AFTER_MODEL, words.allow, _deny),
    "PreCompress": Event(Moment.COMPACTION, words.nothing, _tell),
}

GEMINI = Dialect(events=_EVENTS, hold_seconds=HOLD_SECONDS)
