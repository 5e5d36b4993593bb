"""Reading hook bodies: aliases, kinds, and everything that is not what the protocol says."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.actions.records import Kind
from appliance.agents import dialects
from appliance.agents.dialects import DIALECTS
from appliance.agents.errors import BodyRefusedError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = [
    "preToolUse", "postToolUse", "userPromptSubmit", "output", "toolResult", "tool_response", "parameters",
    "tool_name", "toolName", "tool", "tool_input", "toolArgs", "input", "output", "args", "command", "file_path", "url",
    "cwd", "workspace_roots", "prompt", "message", "session_id", "mcp_server", "hook_event_name", "permissionDecision",
]  # fmt: skip


def kind(tool: str, agent: str = "claude", **arguments: Any) -> Kind:  # noqa: ANN401 - any JSON value
    return dialects.read(agent, "PreToolUse", {"tool_name": tool, "tool_input": arguments}).kind


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        ("Bash", Kind.SHELL), ("exec_command", Kind.SHELL), ("run_shell_command", Kind.SHELL), ("Shell", Kind.SHELL),
        ("Read", Kind.READ_FILE), ("Grep", Kind.READ_FILE), ("NotebookRead", Kind.READ_FILE),
        ("Write", Kind.WRITE_FILE), ("MultiEdit", Kind.WRITE_FILE), ("NotebookEdit", Kind.WRITE_FILE),
        ("apply_patch", Kind.WRITE_FILE), ("str_replace_based_edit_tool", Kind.WRITE_FILE),
        ("Delete", Kind.DELETE_FILE), ("WebFetch", Kind.FETCH), ("web_search", Kind.FETCH),
        ("mcp__files__read", Kind.MCP), ("MCP:read", Kind.MCP), ("TodoWrite", Kind.TOOL), ("SlashCommand", Kind.TOOL),
    ],
)  # fmt: skip
def test_a_tool_has_its_kind(tool: str, expected: Kind) -> None:
    """Names of all agents, however they spell them."""
    assert kind(tool, command="x", file_path="/x") is expected or expected is Kind.TOOL
    assert kind(tool) is expected


def test_an_unknown_tool_with_a_command_is_judged_as_a_shell() -> None:
    """A renamed shell must not be an ordinary tool."""
    assert kind("super_runner", command="ls") is Kind.SHELL
    assert kind("super_runner", cmd=["ls"]) is Kind.SHELL
    assert kind("super_runner", text="ls") is Kind.TOOL


def test_what_an_mcp_server_calls_its_tool_does_not_matter() -> None:
    """The host says that it is one."""
    body = {"tool_name": "Read", "tool_input": {}, "mcp_server": {"name": "x", "source": "user"}}
    assert dialects.read("claude", "PreToolUse", body).kind is Kind.MCP


def test_aliases_are_understood_in_order_and_the_agents_own_field_counts() -> None:
    """What the agent runs is what is judged."""
    body = {
        "sessionId": "s", "toolName": "shell", "params": {"command": "rm"}, "arguments": {"command": "ls"},
        "workspaceDir": "/w", "call_id": "c",
    }  # fmt: skip
    action = dialects.read("openclaw", "PreToolUse", body)
    assert (action.session, action.tool, action.project, action.tool_use) == ("s", "shell", "/w", "c")
    assert action.arguments == {"command": "ls"}
    both = {"tool_name": "bash", "tool_input": {"command": "a"}, "toolArgs": '{"command": "b"}'}
    assert dialects.read("claude", "PreToolUse", both).arguments == {"command": "a"}
    assert dialects.read("copilot", "PreToolUse", both).arguments == {"command": "b"}


def test_a_command_beside_the_tools_name_is_judged() -> None:
    """A shell hook that sends its command at the top hides nothing, named or not."""
    for more in ({}, {"tool_name": "Shell"}):
        action = dialects.read("cursor", "PreToolUse", {**more, "command": "rm -rf x", "cwd": "/w"})
        assert (action.kind, action.arguments) == (Kind.SHELL, {"command": "rm -rf x"})


@pytest.mark.parametrize("agent", DIALECTS)
@pytest.mark.parametrize(
    "body",
    [
        {"tool_name": 5, "tool_input": {}}, {"tool_name": ["Bash"], "tool_input": {}}, {"tool_name": True},
        {"tool_name": "Bash", "tool_input": ["ls"]}, {"tool_name": "Bash", "tool_input": 5},
        {"tool_name": "Bash", "tool_input": "ls"}, {"tool_name": "Bash", "session_id": {"a": 1}},
        {"tool_name": "Bash", "cwd": 5}, {"tool_name": "Bash", "tool_use_id": []}, {"tool": {"name": 7}},
        {"tool": {}}, {}, {"session_id": "s"}, {"tool_input": {}}, {"tool_name": ""}, {"tool_name": None},
    ],
    ids=json.dumps,
)  # fmt: skip
def test_a_body_that_is_not_the_protocols_is_refused(agent: str, body: dict[str, Any]) -> None:
    """Wrong types, and a call before a tool that tells nothing."""
    with pytest.raises(BodyRefusedError) as refused:
        dialects.read(agent, "PreToolUse", body)
    assert refused.value.code == "hook_body_refused"


def test_text_input_is_parsed_as_strictly_as_the_body() -> None:
    """A repeated key inside Copilot's string is refused, as are arrays and text that is no JSON."""
    for text in ('{"command": "ls", "command": "rm"}', "[]", "rm -rf x", '{"command": NaN}'):
        with pytest.raises(BodyRefusedError):
            dialects.read("copilot", "PreToolUse", {"toolName": "bash", "toolArgs": text})
    empty = dialects.read("copilot", "PreToolUse", {"toolName": "bash", "toolArgs": ""})
    assert empty.arguments == {}


def test_a_prompt_is_text() -> None:
    """Only on prompt hooks; elsewhere `message` is not a person's words."""
    assert dialects.read("openclaw", "UserPromptSubmit", {"message": "hi"}).prompt == "hi"
    assert dialects.read("claude", "Notification", {"message": "hi"}).prompt == ""
    with pytest.raises(BodyRefusedError):
        dialects.read("claude", "UserPromptSubmit", {"prompt": 5})


@settings(max_examples=150, deadline=None)
@given(agent=st.sampled_from(sorted(DIALECTS)), body=st.dictionaries(st.sampled_from(FIELDS), JSON), data=st.data())
def test_any_body_is_read_or_refused_and_changes_no_reply(
    agent: str, body: dict[str, Any], data: st.DataObject
) -> None:
    """Never another error; and what a body says of decisions is not believed."""
    event = data.draw(st.sampled_from(sorted(DIALECTS[agent].events)))
    try:
        action = dialects.read(agent, event, body)
    except BodyRefusedError:
        return
    assert action.body == body
    assert type(action.tool) is str
    assert isinstance(action.arguments, dict)


def test_cursors_own_event_decides_what_is_read() -> None:
    """A body that calls itself an MCP call hides no command of a shell hook; on the published road it is believed."""
    body = {"hook_event_name": "beforeMCPExecution", "command": "rm -rf x", "tool_name": "t", "tool_input": "{}"}
    assert dialects.read("cursor", "beforeShellExecution", {**body, "tool_name": None}).kind is Kind.SHELL
    assert dialects.read("cursor", "beforeMCPExecution", {**body, "hook_event_name": "x"}).kind is Kind.MCP
    assert dialects.read("cursor", "PreToolUse", body).kind is Kind.MCP


def test_clines_fields_stand_in_the_events_own_object() -> None:
    """Those of another event are not read; an MCP call's arguments are parsed as strictly as the body."""
    inner = {"toolName": "execute_command", "parameters": {"command": "ls"}}
    assert dialects.read("cline", "PreToolUse", {"preToolUse": inner}).arguments == {"command": "ls"}
    with pytest.raises(BodyRefusedError):
        dialects.read("cline", "PreToolUse", {"postToolUse": inner})
    broken = {"server_name": "s", "tool_name": "t", "arguments": '{"a": 1, "a": 2}'}
    with pytest.raises(BodyRefusedError):
        dialects.read("cline", "PreToolUse", {"preToolUse": {"toolName": "use_mcp_tool", "parameters": broken}})


@pytest.mark.parametrize("pattern", ["rm -rf x", ["rm -rf x"]])
def test_what_opencode_asks_about_is_judged_by_its_pattern_if_nothing_else_tells(pattern: Any) -> None:  # noqa: ANN401 - JSON
    """Both spellings of a permission."""
    for name, place in (("type", "pattern"), ("permission", "patterns")):
        action = dialects.read("opencode", "permission.ask", {"input": {name: "bash", place: pattern}, "output": {}})
        assert (action.kind, action.arguments["command"]) == (Kind.SHELL, "rm -rf x")


SECRET = "hunter2hunter2"


def _masked(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """The value as the scanner would give it."""
    if isinstance(value, dict):
        return {name: _masked(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_masked(each) for each in value]
    return value.replace(SECRET, "[secret]") if isinstance(value, str) else value


@settings(max_examples=150, deadline=None)
@given(
    place=st.sampled_from(
        [(agent, name) for agent, dialect in DIALECTS.items() for name, event in dialect.events.items() if event.masked]
    ),
    result=st.recursive(
        st.none() | st.integers() | st.text(max_size=5) | st.just(SECRET),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["stdout", "llmContent", "textResultForLlm", "output", "a"]), inner)
        ),
        max_leaves=6,
    ),
)
def test_no_result_of_any_form_brings_a_secret_to_the_model(place: tuple[str, str], result: Any) -> None:  # noqa: ANN401 - any JSON value
    """Wherever it stands in the result, the reply replaces the result, and holds the mark alone."""
    agent, event = place
    sent = {"tool_name": "MCP:x", **dict.fromkeys(("tool_response", "toolResult", "tool_output", "output"), result)}
    allowed = dialects.allow(agent, event, "some words")
    told = json.dumps(dialects.with_masked_output(agent, event, allowed, sent, _masked(sent)))
    assert SECRET not in told
    assert (told != json.dumps(allowed)) == (SECRET in json.dumps(result))
