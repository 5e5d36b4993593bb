"""GitHub Copilot CLI: policy hooks, which nobody else can switch off, or the user's own.

Source: docs.github.com/copilot, page hooks reference.
"""

from typing import Any, Final

from appliance.agents.configuration.hooks import (
    LOADER_VARIABLES,
    SHELL_VARIABLES,
    TIMEOUT_SECONDS,
    as_json,
    command,
    only_shim,
    without,
)
from appliance.agents.configuration.records import Configuration, File, Request, Scope, System

EVENTS: Final = ("userPromptSubmitted", "preToolUse", "permissionRequest", "postToolUse", "sessionStart")
_MANAGED: Final = {
    System.LINUX: "/etc/github-copilot/policy.d/openleash.json",
    System.MACOS: "/etc/github-copilot/policy.d/openleash.json",
    System.WINDOWS: r"C:\ProgramData\GitHub\Copilot\policy.d\openleash.json",
}
_OPEN: Final = "Copilot goes on when a hook exceeds its time, so the shim answers two seconds before that."
_CLOUD: Final = "The cloud agent reads only hooks of its repository, where no token belongs: it is not covered."


def configuration(request: Request) -> Configuration:
    """One file of hooks; on Windows they run in PowerShell.

    Raises:
        ConfigurationRefusedError: HTTP is asked for.
    """
    only_shim(request, "copilot")
    hooks = {event: [_hook(request, event)] for event in EVENTS}
    path = _MANAGED[request.system] if request.scope is Scope.MANAGED else "~/.copilot/hooks/openleash.json"
    file = File(path=path, content=as_json({"version": 1, "hooks": hooks}))
    return Configuration(agent="copilot", files=(file,), cautions=(_OPEN, _CLOUD))


def _hook(request: Request, event: str) -> dict[str, Any]:
    shell = "powershell" if request.system is System.WINDOWS else "bash"
    env = without(*SHELL_VARIABLES, *LOADER_VARIABLES)
    return {"type": "command", shell: command(request, "copilot", event), "env": env, "timeoutSec": TIMEOUT_SECONDS}
