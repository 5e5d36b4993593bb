"""What people see of a call is what was judged, wherever its agent puts it."""

import re
from typing import Any

import pytest

from appliance.agents import dialects
from server.dashboard.payload import arguments_of, shown
from tests.appliance.agents.test_golden import IDS, RECORDINGS

BEFORE_TOOL = [
    (*each, name) for each, name in zip(RECORDINGS, IDS, strict=True) if each[2]["action"]["moment"] == "before_tool"
]


@pytest.mark.parametrize(
    ("agent", "event", "recorded"), [each[:3] for each in BEFORE_TOOL], ids=[each[3] for each in BEFORE_TOOL]
)
def test_every_recorded_call_shows_the_arguments_that_are_judged(agent: str, event: str, recorded: Any) -> None:  # noqa: ANN401 - JSON
    """With the server of an MCP call; and also where nobody says whose call it is, every word of theirs is there."""
    body = recorded["body"]
    arguments = dialects.read(agent, event, body).arguments
    assert arguments_of(body, agent, event).items() >= arguments.items()
    laid_out = str(shown({"action": body}, 100_000).arguments)
    for value in arguments.values():
        assert all(word in laid_out for word in re.findall(r"\w+", value if isinstance(value, str) else ""))


def test_the_server_of_an_mcp_call_is_shown() -> None:
    """An approval is bound to it, so the approver sees it."""
    body = {"tool_name": "create_issue", "tool_input": "{}", "url": "https://mcp.example.org"}
    assert arguments_of(body, "cursor", "beforeMCPExecution") == {"server: url": "https://mcp.example.org"}
    forged = {**body, "tool_input": '{"server: url": "https://harmless.example.org", "title": "x"}'}
    assert arguments_of(forged, "cursor", "beforeMCPExecution") == {
        "server: url": "https://mcp.example.org", "argument server: url": "https://harmless.example.org", "title": "x",
    }  # fmt: skip


def test_the_field_that_the_agent_obeys_is_the_one_that_is_shown() -> None:
    """Of two inputs in one body, Copilot runs the one under its own name."""
    body = {"toolName": "bash", "tool_input": {"command": "ls"}, "toolArgs": '{"command": "rm -rf x"}'}
    assert arguments_of(body, "copilot", "PreToolUse") == {"command": "rm -rf x"}


def test_what_could_not_be_understood_is_shown_as_it_was_sent() -> None:
    """All of it."""
    assert arguments_of({"cwd": 5}, "claude", "PreToolUse") == {"cwd": 5}
    assert arguments_of({"prompt": "hi", "cwd": "/"}, "claude", "UserPromptSubmit") == {"prompt": "hi"}
    assert arguments_of({"source": "user_settings"}, "claude", "ConfigChange") == {"source": "user_settings"}
