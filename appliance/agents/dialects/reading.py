"""From an agent's hook JSON to an Action. The first alias that is there counts; the agent's own stands first."""

from collections.abc import Mapping
from typing import Any, Final

from appliance.actions.records import Action, Kind, Moment
from appliance.agents.body import parse
from appliance.agents.dialects.dialect import Body, Dialect
from appliance.agents.dialects.tools import kind_by_arguments, kind_of
from appliance.agents.errors import BodyRefusedError

_SESSION: Final = (
    "session_id", "sessionId", "sessionID", "conversation_id", "conversationId", "thread_id", "threadId",
    "taskId",
)  # fmt: skip
_TOOL: Final = ("tool_name", "toolName", "tool")
_TOOL_USE: Final = ("tool_use_id", "toolUseId", "tool_call_id", "toolCallId", "call_id", "callId", "callID")
_PROJECT: Final = (
    "cwd", "workspace", "workspaceDir", "workspace_dir", "project_dir", "projectDir", "root", "workspace_root",
    "workspaceRoot", "workspace_roots", "workspaceRoots",
)  # fmt: skip
_PROMPT: Final = ("prompt", "user_prompt", "userPrompt", "message", "input_text", "inputText")
# Where an agent sends no input of a tool, these are its arguments.
_LOOSE: Final = ("command", "cmd", "file_path", "filePath", "path", "url", "edits", "content", "sandbox")
_TEXT_INPUT_BYTES_MAX: Final = 20 * 1024 * 1024  # the body that holds it was measured already
_DEPTH_MAX: Final = 64
_MEMBERS_MAX: Final = 100_000


def read_action(dialect: Dialect, agent: str, event: str, body: Body) -> Action:
    """The action that a body tells of.

    Raises:
        BodyRefusedError: a field has the wrong type, or a call before a tool names none.
    """
    moment, told = dialect.events[event].moment, dialect.unfolded(event, body)
    tool, arguments = _tool(told), _arguments(dialect, told)
    kind = Kind.LIFECYCLE
    if moment is Moment.BEFORE_TOOL or moment is Moment.AFTER_TOOL:
        if not arguments:
            arguments = {name: told[name] for name in _LOOSE if told.get(name) is not None}
        kind = _kind(tool, arguments, told) if moment is Moment.BEFORE_TOOL else Kind.RESULT
    elif moment is Moment.PROMPT:
        kind = Kind.PROMPT
    return Action(
        agent=agent,
        event=event,
        moment=moment,
        kind=kind,
        tool=tool,
        arguments=arguments,
        prompt=_text(told, _PROMPT) if moment is Moment.PROMPT else "",
        session=_text(told, _SESSION),
        tool_use=_text(told, _TOOL_USE),
        project=_project(told),
        body=body,
    )


def _kind(tool: str, arguments: Mapping[str, Any], told: Body) -> Kind:
    if tool:
        return kind_of(tool, arguments, told)
    kind = kind_by_arguments(arguments)
    if kind is None:
        raise BodyRefusedError("The hook body names no tool, command, file or address")
    return kind


def _first(told: Body, names: tuple[str, ...]) -> tuple[str, Any]:
    for name in names:
        value = told.get(name)
        if value is not None:
            return name, value
    return "", None


def _text(told: Body, names: tuple[str, ...]) -> str:
    for name in names:
        value = told.get(name)
        if value is not None:
            return _checked(name, value)
    return ""


def _checked(name: str, value: Any) -> str:  # noqa: ANN401 - any JSON value
    if type(value) is not str:
        raise BodyRefusedError(f"The field {name} of the hook body is not text")
    return value


def _tool(told: Body) -> str:
    name, value = _first(told, _TOOL)
    if type(value) is dict:
        name, value = "tool.name", value.get("name")
    return _checked(name, value) if name else ""


def _project(told: Body) -> str:
    """The working directory; the first one where an agent names several."""
    name, value = _first(told, _PROJECT)
    if type(value) is list:
        value = value[0] if value else ""
    return _checked(name, value) if name else ""


def _arguments(dialect: Dialect, told: Body) -> Mapping[str, Any]:
    name, value = _first(told, dialect.inputs)
    if not name:
        tool = told.get("tool")
        value = tool.get("input") if type(tool) is dict else None
        name = "tool.input"
        if value is None:
            return {}
    if type(value) is str and dialect.takes_text_input:
        return parse(value.encode(), bytes_max=_TEXT_INPUT_BYTES_MAX, depth_max=_DEPTH_MAX, members_max=_MEMBERS_MAX)
    if type(value) is not dict:
        raise BodyRefusedError(f"The field {name} of the hook body is not an object")
    return value
