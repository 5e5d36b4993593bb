"""What a tool does, by its name and arguments."""

from collections.abc import Mapping
from typing import Any, Final

from appliance.actions.records import Kind

_SHELL: Final = (
    "bash", "shell", "sh", "zsh", "powershell", "pwsh", "cmd", "exec", "exec_command", "local_shell", "shell_command",
    "unified_exec", "run_shell_command", "run_terminal_cmd", "run_terminal_command", "run_in_terminal", "run_command",
    "execute_command", "terminal", "write_stdin", "write_bash",  # the last two type into a shell that runs already
)  # fmt: skip
_READ: Final = (
    "read", "read_file", "read_many_files", "view", "view_image", "open_file", "notebook_read", "list", "ls",
    "list_dir", "list_directory", "glob", "grep", "grep_search", "file_search", "find_files", "search_file_content",
    "search_files", "list_files", "list_code_definition_names", "rg",
)  # fmt: skip
_WRITE: Final = (
    "write", "write_file", "create", "create_file", "edit", "edit_file", "edit_files", "multi_edit", "notebook_edit",
    "apply_patch", "patch", "replace", "str_replace", "str_replace_editor", "str_replace_based_edit_tool",
    "replace_string_in_file", "insert", "insert_edit_into_file", "search_replace", "tab_write", "write_to_file",
    "replace_in_file", "multi_replace_string_in_file", "new_rule",
)  # fmt: skip
_DELETE: Final = ("delete", "delete_file", "remove_file", "rm")
_FETCH: Final = (
    "web_fetch", "web_search", "fetch", "fetch_webpage", "google_web_search", "browser", "open_url", "url_fetch",
    "browser_action",
)  # fmt: skip
# Tools with an argument named `command` that no shell ever sees.
_OTHER: Final = ("slash_command", "skill")


def _plain(name: str) -> str:
    """`name` without what agents spell differently: `MultiEdit`, `multi_edit` and `multi-edit` are one."""
    return name.lower().replace("_", "").replace("-", "")


_KINDS: Final[Mapping[str, Kind]] = {
    _plain(name): kind
    for kind, names in (
        (Kind.SHELL, _SHELL), (Kind.READ_FILE, _READ), (Kind.WRITE_FILE, _WRITE), (Kind.DELETE_FILE, _DELETE),
        (Kind.FETCH, _FETCH), (Kind.TOOL, _OTHER),
    )
    for name in names
}  # fmt: skip
_MCP_PREFIXES: Final = ("mcp__", "mcp:")
_MCP_FIELDS: Final = frozenset({"mcp_server", "mcp_context", "mcp_server_name", "mcpServer"})
_PATHS: Final = ("file_path", "filePath", "path", "target_file", "absolute_path", "notebook_path")
_EDITS: Final = ("edits", "old_string", "new_string", "contents")
_COMMANDS: Final = ("command", "cmd")


def kind_of(tool: str, arguments: Mapping[str, Any], body: Mapping[str, Any]) -> Kind:
    """What a tool call does; an unknown tool that has a command is taken for a shell, which is judged hardest.

    `body` tells whether the tool is an MCP server's; the host writes that, not the model.
    """
    if tool.lower().startswith(_MCP_PREFIXES) or _names_server(body):
        return Kind.MCP
    known = _KINDS.get(_plain(tool))
    if known is not None:
        return known
    return Kind.SHELL if any(name in arguments for name in _COMMANDS) else Kind.TOOL


def _names_server(body: Mapping[str, Any]) -> bool:
    # Nearly no body has any of them, which one call tells.
    return not _MCP_FIELDS.isdisjoint(body) and any(body.get(name) for name in _MCP_FIELDS)


def kind_by_arguments(arguments: Mapping[str, Any]) -> Kind | None:
    """What a call without a tool's name does; None if that cannot be told."""
    if any(name in arguments for name in _COMMANDS):
        return Kind.SHELL
    if any(name in arguments for name in _PATHS):
        return Kind.WRITE_FILE if any(name in arguments for name in _EDITS) else Kind.READ_FILE
    return Kind.FETCH if "url" in arguments else None
