"""Claude Code; NanoClaw and VS Code's local agent, which speak the same.

What a deny does: before a tool, the tool does not run and the model reads why. On a prompt, the prompt is dropped
(`decision`) and nothing runs. A change of settings and a compaction do not happen. Anywhere else the turn ends
(`continue: false`): at Stop a `decision: "block"` would make the agent go on, so it is never sent there.

Source: code.claude.com/docs/en/hooks, code.visualstudio.com/docs/agents/reference/hooks-reference.
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
from appliance.agents.dialects.results import masked_of

VSCODE_HOLD_SECONDS: Final = 25.0  # it gives a hook 30 s
_RESULT: Final = ("tool_response",)
# The rest of what Claude Code tells; WorktreeCreate is missing, because its hook makes the worktree.
_TOLD: Final[Mapping[str, Moment]] = {
    "PostToolUseFailure": Moment.AFTER_TOOL,
    "PostToolBatch": Moment.AFTER_TOOL,
    "PermissionDenied": Moment.NOTIFICATION,
    "Setup": Moment.SESSION_START,
    "InstructionsLoaded": Moment.NOTIFICATION,
    "StopFailure": Moment.STOP,
    "TeammateIdle": Moment.SUBAGENT_STOP,
    "TaskCreated": Moment.NOTIFICATION,
    "TaskCompleted": Moment.NOTIFICATION,
    "WorktreeRemove": Moment.NOTIFICATION,
    "CwdChanged": Moment.NOTIFICATION,
    "FileChanged": Moment.NOTIFICATION,
    "PostCompact": Moment.COMPACTION,
}


def _before_tool(decision: str, reason: str) -> Reply:
    specific = {"hookEventName": BEFORE_TOOL, "permissionDecision": decision, "permissionDecisionReason": reason}
    return {"hookSpecificOutput": specific}


def _allow_tool(reason: str) -> Reply:
    return _before_tool("allow", reason)


def _deny_tool(reason: str) -> Reply:
    return _before_tool("deny", reason)


def _with_input(allowed: Reply, tool_input: Mapping[str, Any]) -> Reply:
    return {"hookSpecificOutput": {**allowed["hookSpecificOutput"], "updatedInput": tool_input}}


def _with_output(allowed: Reply, sent: Body, masked: Body) -> Reply:
    output = masked_of(sent, masked, _RESULT)
    if output is None:
        return allowed
    specific = {"hookEventName": AFTER_TOOL, "updatedToolOutput": output}
    if str(sent.get("tool_name", "")).startswith("mcp__"):
        specific["updatedMCPToolOutput"] = output  # what releases read that know no other
    return {**allowed, "hookSpecificOutput": specific}


def _elicitation(name: str) -> Event:
    """What an MCP server wants to know of the person; a deny declines for the person."""

    def decline(_reason: str) -> Reply:
        return {"hookSpecificOutput": {"hookEventName": name, "action": "decline"}}

    return Event(Moment.NOTIFICATION, words.go_on, decline)


_BEFORE_TOOL: Final = Event(Moment.BEFORE_TOOL, _allow_tool, _deny_tool, _with_input)
_PROMPT: Final = Event(Moment.PROMPT, words.go_on, words.block_and_stop)
_SHARED: Final[Mapping[str, Event]] = {
    **{name: Event(moment, words.go_on, words.stop) for name, moment in PUBLISHED_EVENTS.items()},
    BEFORE_TOOL: _BEFORE_TOOL,
    PROMPT: _PROMPT,
}
_WITH_OUTPUT: Final = Event(Moment.AFTER_TOOL, words.go_on, words.stop, masked=_with_output)
_CLAUDE: Final[Mapping[str, Event]] = {
    **_SHARED,
    AFTER_TOOL: _WITH_OUTPUT,
    PERMISSION: Event(Moment.BEFORE_TOOL, words.permission_allow, words.permission_deny, words.permission_with_input),
    "UserPromptExpansion": _PROMPT,
    "ConfigChange": Event(Moment.CONFIG_CHANGE, words.go_on, words.block),
    "PreCompact": Event(Moment.COMPACTION, words.go_on, words.block),
    "Elicitation": _elicitation("Elicitation"),
    "ElicitationResult": _elicitation("ElicitationResult"),
    **{name: Event(moment, words.go_on, words.stop) for name, moment in _TOLD.items()},
}
_VSCODE: Final = (BEFORE_TOOL, PROMPT, AFTER_TOOL, "Stop", "SubagentStart", "SubagentStop", "SessionStart")

CLAUDE = Dialect(events=_CLAUDE)
NANOCLAW = Dialect(events={**_SHARED, AFTER_TOOL: _WITH_OUTPUT})
VSCODE = Dialect(
    events={
        **{name: _SHARED[name] for name in _VSCODE},
        "PreCompact": Event(Moment.COMPACTION, words.go_on, words.stop),
    },
    hold_seconds=VSCODE_HOLD_SECONDS,
)
