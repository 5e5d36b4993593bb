"""Cursor: the enterprise's `hooks.json`, or the user's own; every hook denies when it fails.

Source: cursor.com/docs, page hooks.
"""

from typing import Final

from appliance.agents.configuration.hooks import TIMEOUT_SECONDS, as_json, command, only_shim
from appliance.agents.configuration.records import Configuration, File, Request, Scope, System

EVENTS: Final = (
    "beforeSubmitPrompt", "preToolUse", "beforeTabFileRead", "subagentStart", "postToolUse", "sessionStart",
)  # fmt: skip
_MANAGED: Final = {
    System.LINUX: "/etc/cursor/hooks.json",
    System.MACOS: "/Library/Application Support/Cursor/hooks.json",
    System.WINDOWS: r"C:\ProgramData\Cursor\hooks.json",
}


def configuration(request: Request) -> Configuration:
    """One hook before any tool, rather than one for each kind: a call is asked about once.

    Raises:
        ConfigurationRefusedError: HTTP is asked for.
    """
    only_shim(request, "cursor")
    hooks = {
        event: [{"command": command(request, "cursor", event), "timeout": TIMEOUT_SECONDS, "failClosed": True}]
        for event in EVENTS
    }
    path = _MANAGED[request.system] if request.scope is Scope.MANAGED else "~/.cursor/hooks.json"
    return Configuration(
        agent="cursor",
        files=(File(path=path, content=as_json({"version": 1, "hooks": hooks})),),
        cautions=("Releases of Cursor that have no preToolUse ignore it silently: watch its coverage.",),
    )
