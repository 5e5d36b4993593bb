"""The exact settings files that connect each agent, one module per agent; pure functions."""

from collections.abc import Callable, Mapping
from typing import Final

from appliance.agents.configuration import (
    claude,
    cline,
    codex,
    copilot,
    cursor,
    gemini,
    nanoclaw,
    openclaw,
    opencode,
    vscode,
)
from appliance.agents.configuration.installing import installed
from appliance.agents.configuration.records import Configuration, Request
from appliance.agents.errors import AgentUnknownError

_WRITERS: Final[Mapping[str, Callable[[Request], Configuration]]] = {
    "claude": claude.configuration,
    "codex": codex.configuration,
    "copilot": copilot.configuration,
    "cursor": cursor.configuration,
    "gemini": gemini.configuration,
    "opencode": opencode.configuration,
    "openclaw": openclaw.configuration,
    "nanoclaw": nanoclaw.configuration,
    "cline": cline.configuration,
    "vscode": vscode.configuration,
}


def configuration_of(agent: str, request: Request) -> Configuration:
    """The files for one agent, and the commands that install the shim where its settings name it.

    Raises:
        AgentUnknownError: no such agent.
        ConfigurationRefusedError: the agent cannot be configured like this; the detail says what can be had.
    """
    writer = _WRITERS.get(agent)
    if writer is None:
        raise AgentUnknownError
    return installed(writer(request), request)
