"""Facts about calls of file, network and MCP tools, from the names of their arguments."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from appliance.actions.records import Action, Kind
from appliance.protection.commands.call import Call, shown
from appliance.protection.commands.effects import Effect
from appliance.protection.commands.line import Line
from appliance.protection.commands.state import State
from appliance.protection.commands.stores import judge_sql
from appliance.protection.commands.transfer import reach
from appliance.protection.commands.words import Flow, Word

MOST_VALUES: Final = 200
DEEPEST: Final = 8
_LEAVES: Final = (str, int, float, type(None))
_PATHS: Final = frozenset([
    "file_path", "filepath", "path", "paths", "file", "files", "filename", "notebook_path", "absolute_path",
    "target_file", "relative_path",
    "file_paths", "directory", "dir", "dir_path", "dirpath", "folder", "relative_workspace_path", "source",
    "destination", "old_path", "new_path",
    "src", "dst", "image_path", "uri",
])  # fmt: skip
_URLS: Final = frozenset(
    ["url", "urls", "uri", "endpoint", "href", "address", "link", "links", "base_url", "webhook", "webhook_url"]
)
_SHELL: Final = frozenset(["command", "cmd", "commands", "script", "shell_command", "bash", "shell"])
_SQL: Final = frozenset(["sql", "query", "statement", "statements", "queries"])
_BODIES: Final = frozenset(["body", "data", "payload", "content", "form", "files"])
_MCP_SHELLS: Final = re.compile("shell|bash|terminal|exec|command|process|desktop-commander|ssh|run")
_DELETES: Final = re.compile("delete|remove|unlink|rmdir")
_WRITES: Final = re.compile("write|create|edit|move|save|append|patch|put|update")
_PATCHES: Final = {
    "*** Add File: ": False,
    "*** Update File: ": False,
    "*** Move to: ": False,
    "*** Delete File: ": True,
}


def judge_tool(action: Action, line: Line) -> None:
    """Judge a call of a tool that is no shell, as one command of the line."""
    call = Call([Word(action.tool)] if action.tool else [], State(line.project), Flow(), line)
    call.program = action.tool
    match action.kind:
        case Kind.READ_FILE:
            call.read_all(_words(action.arguments, _PATHS), is_recursive=False)
        case Kind.WRITE_FILE:
            _judge_write(action, call)
        case Kind.DELETE_FILE:
            paths = list(_words(action.arguments, _PATHS))
            for word in paths:
                call.delete(word, is_recursive=True)
            if not paths:
                call.unclear()
        case Kind.FETCH:
            _judge_fetch(action, call)
        case Kind.MCP:
            _judge_mcp(action, call)
        case _:
            return
    line.add(call)


def _judge_write(action: Action, call: Call) -> None:
    paths = list(_words(action.arguments, _PATHS))
    for word in paths:
        call.write(word)
    patches = [text for text in _texts(action.arguments, None) if "*** " in text]
    found = bool(paths)
    for text in patches:
        for row in text.splitlines():
            for mark, deletes in _PATCHES.items():
                if row.startswith(mark):
                    found = True
                    word = Word(row[len(mark) :].strip())
                    call.write(word)
                    if deletes:
                        call.delete(word, is_recursive=False)
    if not found:
        call.unclear()


def _judge_fetch(action: Action, call: Call) -> None:
    urls = list(_words(action.arguments, _URLS))
    if not urls:
        # Web pages are also asked for inside a sentence.
        for text in _texts(action.arguments, frozenset(["prompt"])):
            urls += [Word(part.strip("<>()[]\"',.")) for part in text.split() if "://" in part]
    reach(call, urls)
    call.network("It would ask the web.")
    method = action.arguments.get("method")
    if (
        isinstance(method, str) and method.upper() in {"POST", "PUT", "PATCH", "DELETE"}
    ) or _BODIES & action.arguments.keys():
        call.note(Effect.UPLOADS, "It would send data to a host.")


def _judge_mcp(action: Action, call: Call) -> None:
    server, tool = mcp_names(action.tool)
    arguments = action.arguments
    name = tool.lower()
    paths = list(_words(arguments, _PATHS))
    urls = [word for word in _words(arguments, _URLS) if "://" in word.text]
    local = [word for word in paths if "://" not in word.text]
    if _DELETES.search(name):
        for word in local:
            call.delete(word, is_recursive=True)
        call.note(Effect.DESTRUCTIVE, f"The tool {shown(tool)} deletes something.")
    elif _WRITES.search(name):
        for word in local:
            call.write(word)
    else:
        call.read_all(local)
    if urls:
        reach(call, urls)
    for text in _texts(arguments, _SQL):
        judge_sql(call, Word(text))
    if _MCP_SHELLS.search(f"{server} {name}".lower()):
        for text in _texts(arguments, _SHELL):
            call.run_text(text)
        call.ran = False


def mcp_names(tool: str) -> tuple[str, str]:
    """Split `mcp__server__tool`, or `server/tool` and `server.tool` as other agents write it."""
    if tool.startswith("mcp__"):
        server, _, name = tool[5:].partition("__")
        return server, name
    for separator in ("__", "/", "."):
        server, found, name = tool.partition(separator)
        if found:
            return server, name
    return "", tool


def _words(arguments: Mapping[str, Any], names: frozenset[str]) -> Iterator[Word]:
    for text in _texts(arguments, names):
        yield Word(text.replace("\0", ""), is_glob=False)


def _texts(arguments: Mapping[str, Any], names: frozenset[str] | None) -> Iterator[str]:
    """Give the texts of the arguments with these names, in lists and objects too; all texts if `names` is None."""
    waiting: list[tuple[str, Any, int]] = [("", arguments, 0)]
    given = 0
    while waiting and given < MOST_VALUES:
        name, value, depth = waiting.pop()
        if isinstance(value, str):
            if value and (names is None or name in names):
                given += 1
                yield value
        elif depth < DEEPEST and isinstance(value, Mapping):
            for key, each in reversed(list(value.items())[:MOST_VALUES]):
                lowered = str(key).lower()
                if names is None or lowered in names or not isinstance(each, _LEAVES):
                    waiting.append((lowered, each, depth + 1))
        elif depth < DEEPEST and isinstance(value, list | tuple):
            is_named = names is None or name in names
            waiting.extend(
                [
                    (name, each, depth + 1)
                    for each in reversed(value[:MOST_VALUES])
                    if is_named or not isinstance(each, _LEAVES)
                ]
            )
