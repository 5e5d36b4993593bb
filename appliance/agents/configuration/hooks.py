"""How settings call the shim: its place on each system, its command line, and JSON as people read it."""

import json
from collections.abc import Iterable
from typing import Any, Final

from appliance.agents.configuration.errors import ConfigurationRefusedError
from appliance.agents.configuration.records import Request, Scope, System, Transport
from appliance.agents.names import agent_name

# What settings grant each hook; people need that long. The service and the shim are told, and answer before it.
TIMEOUT_SECONDS: Final = 600
# With a bare name, Windows looks into the current folder first, where a repository can have put a program of that name.
POWERSHELL: Final = (
    r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe", "-NoProfile", "-ExecutionPolicy", "Bypass", "-File",
)  # fmt: skip
# These run hooks in Git Bash, which takes backslashes away unless they are quoted; the others in PowerShell or cmd,
# where a line must not begin with a quote.
_IN_GIT_BASH: Final = frozenset({"claude", "nanoclaw"})
# With these a shell runs something else than the hook, or nothing: `SHELLOPTS=noexec bash -c 'exit 2'` exits with 0.
# The shim is not yet there to stop that. Empty ones do nothing.
SHELL_VARIABLES: Final = ("BASHOPTS", "BASH_ENV", "ENV", "SHELLOPTS")
# With these every program loads somebody's code, the shell of the shim among them.
LOADER_VARIABLES: Final = (
    "COR_ENABLE_PROFILING", "COR_PROFILER",
    "DYLD_FRAMEWORK_PATH", "DYLD_INSERT_LIBRARIES", "DYLD_LIBRARY_PATH", "LD_AUDIT", "LD_LIBRARY_PATH", "LD_PRELOAD",
)  # fmt: skip
# Homebrew makes /usr/local its user's on Intel Macs, and with it whatever lies there.
_LIBRARY: Final = {System.LINUX: "/usr/local/lib/openleash", System.MACOS: "/opt/openleash"}


def shim_path(request: Request) -> str:
    """Where the shim lies on the machine."""
    if request.system is System.WINDOWS:
        folder = r"C:\Program Files\OpenLeash" if request.scope is Scope.MANAGED else r"$HOME\.openleash"
        return folder + r"\openleash-hook.ps1"
    folder = _LIBRARY[request.system] if request.scope is Scope.MANAGED else "$HOME/.openleash"
    return f"{folder}/openleash-hook"


def shim_folder(request: Request) -> str:
    """Where its address and its token lie."""
    if request.system is System.WINDOWS:
        return r"C:\ProgramData\OpenLeash" if request.scope is Scope.MANAGED else r"$HOME\.openleash"
    return "/etc/openleash" if request.scope is Scope.MANAGED else "$HOME/.openleash"


def command(request: Request, agent: str, event: str, *, seconds: int = TIMEOUT_SECONDS) -> str:
    """The command line of a hook."""
    path, folder = shim_path(request), shim_folder(request)
    if request.system is System.WINDOWS:
        program = f'"{POWERSHELL[0]}"' if agent in _IN_GIT_BASH else POWERSHELL[0]
        return f'{program} {" ".join(POWERSHELL[1:])} "{path}" {agent} {event} "{folder}" {seconds}'
    if request.scope is Scope.MANAGED:
        return f"{path} {agent} {event} {folder} {seconds}"
    return f'"{path}" {agent} {event} "{folder}" {seconds}'


def words(request: Request, agent: str, event: str) -> tuple[str, ...]:
    """Program and arguments of a managed hook, for agents that start it without a shell."""
    before = POWERSHELL if request.system is System.WINDOWS else ()
    return (*before, shim_path(request), agent, event, shim_folder(request), str(TIMEOUT_SECONDS))


def without(*variables: str) -> dict[str, str]:
    """Variables that settings empty."""
    return dict.fromkeys(sorted(variables), "")


def grouped(request: Request, agent: str, events: Iterable[str], **more: object) -> dict[str, Any]:
    """Hooks in the form that Claude Code has made common: event -> groups -> hooks."""
    return {
        event: [{"hooks": [{"type": "command", "command": command(request, agent, event), **more}]}] for event in events
    }


def as_json(value: object) -> str:
    """JSON of settings, with a line end."""
    return json.dumps(value, indent=2) + "\n"


def only_shim(request: Request, agent: str) -> None:
    """Refuse HTTP for an agent that would go on when a call fails.

    Raises:
        ConfigurationRefusedError: HTTP is asked for.
    """
    if request.transport is Transport.HTTP:
        raise ConfigurationRefusedError(
            f"{agent_name(agent)} has no HTTP hooks that block when a call fails: connect it with the shim"
        )


def only_user(request: Request, agent: str) -> None:
    """Refuse managed settings for an agent that has none.

    Raises:
        ConfigurationRefusedError: they are asked for.
    """
    if request.scope is Scope.MANAGED:
        raise ConfigurationRefusedError(
            f"{agent_name(agent)} reads no settings that only administrators can change: use the scope user, and watch "
            "its coverage"
        )
