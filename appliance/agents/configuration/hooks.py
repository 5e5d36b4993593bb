"""How settings call the shim: its place on each system, its command line, and JSON as people read it."""

import json
from collections.abc import Iterable
from typing import Any, Final

from appliance.agents.configuration.errors import ConfigurationRefusedError
from appliance.agents.configuration.records import Request, Scope, System, Transport
from appliance.agents.names import agent_name

# What settings grant each hook; people need that long. The service and the shim are told, and answer before it.
TIMEOUT_SECONDS: Final = 600


def shim_path(request: Request) -> str:
    """Where the shim lies on the machine."""
    if request.system is System.WINDOWS:
        folder = r"C:\Program Files\OpenLeash" if request.scope is Scope.MANAGED else r"$HOME\.openleash"
        return folder + r"\openleash-hook.ps1"
    folder = "/usr/local/lib/openleash" if request.scope is Scope.MANAGED else "$HOME/.openleash"
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
        return f'powershell -NoProfile -ExecutionPolicy Bypass -File "{path}" {agent} {event} "{folder}" {seconds}'
    if request.scope is Scope.MANAGED:
        return f"{path} {agent} {event} {folder} {seconds}"
    return f'"{path}" {agent} {event} "{folder}" {seconds}'


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
