"""What is known of an action without running it."""

import re
from collections.abc import Mapping
from typing import Any, Final

from appliance.actions.records import Action, Facts, Kind
from appliance.protection.commands.budget import SpentError
from appliance.protection.commands.effects import Effect
from appliance.protection.commands.line import Line
from appliance.protection.commands.tools import judge_tool, mcp_names

_NOTHING: Final = Facts()
_WITHOUT_FACTS: Final = frozenset([Kind.PROMPT, Kind.RESULT, Kind.LIFECYCLE, Kind.TOOL])
_COMMAND_NAMES: Final = ("command", "cmd", "script", "code", "input", "commandLine", "command_line")
_DIRECTORY_NAMES: Final = ("workdir", "cwd", "working_directory", "directory", "dir_path")
_OTHER_SHELLS: Final = (
    "powershell",
    "pwsh",
    "cmd",
    "cmd.exe",
    "powershell.exe",
    "run_powershell",
    "python",
    "repl",
    "node",
)
_CMDLET_VERBS: Final = frozenset([
    "remove", "get", "set", "invoke", "new", "start", "stop", "add", "clear", "copy", "move", "out", "import",
    "export", "format", "write",
])  # fmt: skip
_FIRST_WORD: Final = re.compile(r"(?:^|[;|&\n])[^\S\n]*([^\s;|&]+)")
_CMD_WORDS: Final = frozenset(
    ["del", "erase", "rd", "format", "reg", "schtasks", "icacls", "takeown", "vssadmin", "bcdedit", "wmic"]
)


def facts_of(action: Action) -> Facts:
    """Give the facts of an action: pure, and never raises for anything an agent can send."""
    if action.kind in _WITHOUT_FACTS:
        return _NOTHING
    line = Line(action.project)
    try:
        if action.kind is Kind.SHELL:
            _judge_shell(action, line)
        else:
            judge_tool(action, line)
    except (SpentError, RecursionError):
        # Too large: what was seen until then counts, and the rest is not understood.
        line.unclear()
    server, tool = mcp_names(action.tool) if action.kind is Kind.MCP else ("", "")
    effects: dict[str, None] = {}
    for command in line.commands:
        if command.effects:
            effects.update(dict.fromkeys(command.effects))
    if line.effects:
        effects.update(dict.fromkeys(effect.value for effect in line.effects))
    return Facts(
        commands=tuple(line.commands),
        effects=tuple(effects),
        is_understood=line.is_understood,
        mcp_server=server,
        mcp_tool=tool,
        why=tuple(line.effects.values()),
    )


def _judge_shell(action: Action, line: Line) -> None:
    arguments = action.arguments
    text = _text_of(arguments)
    if text is None:
        line.unclear()
        return
    if action.tool.lower() in _OTHER_SHELLS or _is_for_windows(text):
        line.unclear()
    line.judge_all(text, _folder_of(arguments))
    if arguments.get("run_in_background") is True:
        line.note(Effect.BACKGROUND_SERVICE, "It would go on in the background.")


def _folder_of(arguments: Mapping[str, Any]) -> str:
    for name in _DIRECTORY_NAMES:
        folder = arguments.get(name)
        if isinstance(folder, str):
            return folder
    return ""


def _text_of(arguments: Mapping[str, Any]) -> str | None:
    """Give the shell line; a list of words, as some agents send, is quoted into one."""
    for name in _COMMAND_NAMES:
        value = arguments.get(name)
        if isinstance(value, str):
            return value
        if isinstance(value, list | tuple) and value and all(isinstance(word, str) for word in value):
            return " ".join("'" + word.replace("'", "'\\''") + "'" for word in value)
    return None


def _is_for_windows(text: str) -> bool:
    """Tell whether a line is meant for PowerShell or cmd, which are not read here."""
    for first in _FIRST_WORD.findall(text[:4096]):
        verb, dash, noun = first.partition("-")
        if dash and verb.lower() in _CMDLET_VERBS and noun[:1].isalpha() and noun[:1].isupper():
            return True
        if first.lower().removesuffix(".exe") in _CMD_WORDS:
            return True
    return False
