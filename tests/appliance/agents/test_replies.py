"""What the published clients read of a reply, and what must never be in one."""

from itertools import product
from typing import Any

import pytest

from appliance.agents import dialects
from appliance.agents.dialects import DIALECTS
from appliance.agents.dialects.reasons import REASON_MAX
from appliance.agents.dialects.results import TEXT_MAX
from appliance.agents.errors import AgentUnknownError, EventUnknownError

WHY = "because"
PUBLISHED_AGENTS = [agent for agent in DIALECTS if agent not in {"cline", "vscode"}]
PUBLISHED = ("UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop")
CLAUDE_BEFORE_TOOL = {"hookEventName": "PreToolUse", "permissionDecisionReason": WHY}
BLOCK = {"decision": "block", "reason": WHY}
STOPPED = {"continue": False, "stopReason": WHY}


def _expected_allow(agent: str, event: str) -> dict[str, Any]:
    if agent in {"claude", "nanoclaw"}:
        decided: dict[str, Any] = {"hookSpecificOutput": {**CLAUDE_BEFORE_TOOL, "permissionDecision": "allow"}}
        return decided if event == "PreToolUse" else {"continue": True}
    if agent == "copilot":
        chosen: dict[str, Any] = {"permissionDecision": "allow", "permissionDecisionReason": WHY}
        return {"PreToolUse": chosen, "Stop": {"decision": "allow"}}.get(event, {})
    return {} if agent == "codex" else {"decision": "allow", "reason": WHY}


def _expected_deny(agent: str, event: str) -> dict[str, Any]:
    if agent in {"claude", "nanoclaw"}:
        decided: dict[str, Any] = {"hookSpecificOutput": {**CLAUDE_BEFORE_TOOL, "permissionDecision": "deny"}}
        return decided if event == "PreToolUse" else STOPPED
    if agent == "copilot":
        chosen: dict[str, Any] = {"permissionDecision": "deny", "permissionDecisionReason": WHY}
        return chosen if event == "PreToolUse" else {"decision": "block"}
    return STOPPED if (agent, event) == ("codex", "Stop") else BLOCK


@pytest.mark.parametrize(("agent", "event"), list(product(PUBLISHED_AGENTS, PUBLISHED)))
def test_the_published_clients_find_what_they_read(agent: str, event: str) -> None:
    """Allow and deny hold at least what the table of the published clients names, for each of their events."""
    assert dialects.allow(agent, event, WHY).items() >= _expected_allow(agent, event).items()
    assert dialects.deny(agent, event, WHY).items() >= _expected_deny(agent, event).items()


@pytest.mark.parametrize("agent", ["claude", "nanoclaw", "codex"])
@pytest.mark.parametrize("event", ["Stop", "SubagentStop"])
def test_a_deny_at_stop_does_not_make_the_agent_go_on(agent: str, event: str) -> None:
    """`decision: block` at Stop means: go on with this as your next task."""
    assert dialects.deny(agent, event, WHY) == STOPPED


@pytest.mark.parametrize("agent", ["copilot", "gemini"])
def test_where_block_at_stop_would_go_on_the_session_is_ended_beside_it(agent: str) -> None:
    """The published form stays, and the agent's own field for stopping stands beside it."""
    assert dialects.deny(agent, "Stop", WHY).items() >= {**BLOCK, **STOPPED}.items()


def test_a_denied_prompt_is_dropped_by_claude() -> None:
    """Both what the published client reads and what Claude Code itself reads."""
    assert dialects.deny("claude", "UserPromptSubmit", WHY) == {**BLOCK, **STOPPED}


def test_codex_gets_no_field_that_its_schema_for_the_event_lacks() -> None:
    """It would discard the whole reply and run the tool."""
    before_tool = dialects.deny("codex", "PreToolUse", WHY)
    assert set(before_tool) == {"decision", "reason", "hookSpecificOutput"}
    assert set(dialects.deny("codex", "SessionStart", WHY)) == {"continue", "stopReason"}
    assert set(dialects.deny("codex", "PermissionRequest", WHY)) == {"hookSpecificOutput"}


def test_cursor_reads_its_own_words() -> None:
    """`permission` before a tool, `continue` on a prompt."""
    assert dialects.allow("cursor", "PreToolUse", WHY)["permission"] == "allow"
    denied = dialects.deny("cursor", "PreToolUse", WHY)
    assert (denied["permission"], denied["user_message"], denied["agent_message"]) == ("deny", WHY, WHY)
    assert dialects.deny("cursor", "UserPromptSubmit", WHY)["continue"] is False


def test_a_reason_is_one_harmless_line() -> None:
    """Terminal escapes, direction marks and line breaks become spaces, and a megabyte becomes 2,000 characters."""
    said = dialects.deny("codex", "PostToolUse", "a\x1b[2Jb\r\nc\u202ed\x00e\ud800f")["reason"]
    assert said == "a [2Jb  c d e f"
    long = dialects.deny("codex", "PostToolUse", "x" * 1_000_000)["reason"]
    assert (len(long), long[-1]) == (REASON_MAX, "…")


@pytest.mark.parametrize("reason", ["", " \n\t", "\x00"])
def test_a_deny_always_gives_a_reason(reason: str) -> None:
    """Codex runs the tool if the reason of a deny is empty."""
    denied = dialects.deny("codex", "PreToolUse", reason)
    assert denied["reason"].strip()
    assert denied["hookSpecificOutput"]["permissionDecisionReason"].strip()


def test_an_unknown_agent_or_event_is_told_apart() -> None:
    """Nobody's words exist for them."""
    assert dialects.is_known("claude", "PreToolUse")
    assert not dialects.is_known("clippy", "PreToolUse")
    assert not dialects.is_known("claude", "pretooluse")
    with pytest.raises(AgentUnknownError):
        dialects.deny("clippy", "PreToolUse", WHY)
    with pytest.raises(EventUnknownError):
        dialects.allow("claude", "BeforeEverything", WHY)
    with pytest.raises(EventUnknownError):
        dialects.read("nanoclaw", "PermissionRequest", {})


def test_a_call_is_answered_before_its_agent_gives_up() -> None:
    """The published hooks wait 600 s, Gemini CLI 60 s."""
    assert dialects.hold_seconds("claude", "PreToolUse") == 590.0
    assert dialects.hold_seconds("gemini", "PreToolUse") < 60.0


@pytest.mark.parametrize(
    ("agent", "event", "told", "seconds"),
    [
        ("vscode", "PreToolUse", None, 25), ("cline", "PreToolUse", None, 25), ("gemini", "BeforeTool", None, 55),
        ("copilot", "PreToolUse", None, 590), ("copilot", "preToolUse", None, 25), ("cursor", "preToolUse", None, 55),
        ("copilot", "preToolUse", 600, 590), ("cursor", "beforeShellExecution", 120, 115), ("claude", "Stop", 3, 1),
        ("gemini", "BeforeTool", 99_999, 590),
    ],
)  # fmt: skip
def test_the_hold_belongs_to_the_road_or_to_what_the_hook_tells(
    agent: str, event: str, told: float | None, seconds: float
) -> None:
    """Own names have the agent's default, unless the hook says how long it was given."""
    assert dialects.hold_seconds(agent, event, told) == seconds


def test_no_agent_is_ever_told_to_ask() -> None:
    """Some would run the tool."""
    for agent, dialect in DIALECTS.items():
        for event in dialect.events:
            for reply in (dialects.allow(agent, event, WHY), dialects.deny(agent, event, WHY)):
                assert "ask" not in str(reply).replace("Task", "").split("'"), (agent, event)


@pytest.mark.parametrize("event", ["agentStop", "subagentStop"])
def test_copilots_own_stop_is_never_told_to_go_on(event: str) -> None:
    """`decision: block` would be its next task."""
    assert dialects.deny("copilot", event, WHY) == STOPPED


def test_a_long_masked_result_is_cut_where_a_model_reads_it_as_text() -> None:
    """A result that is no text is told as JSON."""
    long = {"tool_response": "s" + "x" * 200_000}
    masked = {"tool_response": "m" + "x" * 200_000}
    assert len(dialects.with_masked_output("codex", "PostToolUse", {}, long, masked)["reason"]) == TEXT_MAX + 1
    told = dialects.with_masked_output("gemini", "AfterTool", {}, {"tool_response": [1]}, {"tool_response": [2]})
    assert told["reason"] == "[2]"
