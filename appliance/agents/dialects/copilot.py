"""GitHub Copilot: CLI and cloud agent, whose tool input is a string with JSON in it.

What a deny does: before a tool, the tool does not run. At Stop `decision: "block"` alone would make the CLI go on
with the reason as its next task, so `continue: false` stands beside it, as on every other published event; under the
agent's own names it stands alone. After a tool, the model reads the reason in place of the result (`modifiedResult`).

A hook that its own file gives no `timeoutSec` is given 30 s, and one that takes longer lets the tool run.

Source: github/docs content/copilot/reference/hooks-reference.md.
"""

from collections.abc import Mapping
from typing import Any, Final

from appliance.actions.records import Moment
from appliance.agents.dialects import words
from appliance.agents.dialects.dialect import (
    AFTER_TOOL,
    BEFORE_TOOL,
    PERMISSION,
    PUBLISHED_EVENTS,
    STOP,
    Body,
    Dialect,
    Event,
    Reply,
)
from appliance.agents.dialects.results import masked_of, text_of

OWN_HOLD_SECONDS: Final = 25.0
_OWN: Final[Mapping[str, Moment]] = {
    "sessionStart": Moment.SESSION_START,
    "sessionEnd": Moment.SESSION_END,
    "userPromptSubmitted": Moment.PROMPT,
    "userPromptTransformed": Moment.PROMPT,
    "postToolUseFailure": Moment.AFTER_TOOL,
    "errorOccurred": Moment.NOTIFICATION,
    "agentStop": Moment.STOP,
    "subagentStart": Moment.SUBAGENT_START,
    "subagentStop": Moment.SUBAGENT_STOP,
    "notification": Moment.NOTIFICATION,
    "preCompact": Moment.COMPACTION,
    # As it spells them for bodies in the form of VS Code.
    "PostToolUseFailure": Moment.AFTER_TOOL,
    "ErrorOccurred": Moment.NOTIFICATION,
    "PreCompact": Moment.COMPACTION,
}


def _allow_tool(reason: str) -> Reply:
    return {"permissionDecision": "allow", "permissionDecisionReason": reason}


def _deny_tool(reason: str) -> Reply:
    return {"permissionDecision": "deny", "permissionDecisionReason": reason}


def _with_input(allowed: Reply, tool_input: Mapping[str, Any]) -> Reply:
    return {**allowed, "modifiedArgs": tool_input}


def _allow_stop(_reason: str) -> Reply:
    return {"decision": "allow"}


def _behave_allow(_reason: str) -> Reply:
    return {"behavior": "allow"}


def _behave_deny(reason: str) -> Reply:
    return {"behavior": "deny", "message": reason}


def _replaced(text: str) -> Reply:
    return {"modifiedResult": {"resultType": "success", "textResultForLlm": text}}


def _with_output(allowed: Reply, sent: Body, masked: Body) -> Reply:
    """The result in Copilot's own form, whichever way the body spells it."""
    output = masked_of(sent, masked, ("toolResult", "tool_result"))
    if output is None:
        return allowed
    told = output if isinstance(output, Mapping) else {}
    text = next((told[name] for name in ("textResultForLlm", "text_result_for_llm") if name in told), None)
    return {**allowed, **_replaced(text if isinstance(text, str) else text_of(output))}


_PERMISSION: Final = Event(Moment.BEFORE_TOOL, _behave_allow, _behave_deny, hold_seconds=OWN_HOLD_SECONDS)
_EVENTS: Final[Mapping[str, Event]] = {
    **{name: Event(moment, words.nothing, words.block_and_stop) for name, moment in PUBLISHED_EVENTS.items()},
    BEFORE_TOOL: Event(Moment.BEFORE_TOOL, _allow_tool, _deny_tool, _with_input),
    AFTER_TOOL: Event(Moment.AFTER_TOOL, words.nothing, words.block_and_stop, masked=_with_output),
    STOP: Event(Moment.STOP, _allow_stop, words.block_and_stop),
    **{name: Event(moment, words.nothing, words.stop, hold_seconds=OWN_HOLD_SECONDS) for name, moment in _OWN.items()},
    "preToolUse": Event(Moment.BEFORE_TOOL, _allow_tool, _deny_tool, _with_input, hold_seconds=OWN_HOLD_SECONDS),
    "permissionRequest": _PERMISSION,
    PERMISSION: _PERMISSION,
    "postToolUse": Event(Moment.AFTER_TOOL, words.nothing, _replaced, masked=_with_output),
}

COPILOT = Dialect(
    events=_EVENTS,
    inputs=("toolArgs", "tool_input", "toolInput", "input", "arguments", "args", "params"),
    takes_text_input=True,
)
