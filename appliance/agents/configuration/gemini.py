"""Gemini CLI: the system's `settings.json`, which overrides every other, or the user's own.

Source: geminicli.com/docs, pages configuration, hooks and enterprise.
"""

from typing import Any, Final

from appliance.agents.configuration.hooks import (
    LOADER_VARIABLES,
    SHELL_VARIABLES,
    TIMEOUT_SECONDS,
    as_json,
    grouped,
    only_shim,
)
from appliance.agents.configuration.records import Configuration, File, Request, Scope, System

EVENTS: Final = ("BeforeAgent", "BeforeTool", "AfterTool", "AfterAgent", "SessionStart")
_MILLISECONDS: Final = 1_000
# What Gemini CLI itself does not take from a project's .env file.
_NOT_OF_PROJECTS: Final = ("DEBUG", "DEBUG_MODE")
_MANAGED: Final = {
    System.LINUX: "/etc/gemini-cli/settings.json",
    System.MACOS: "/Library/Application Support/GeminiCli/settings.json",
    System.WINDOWS: r"C:\ProgramData\gemini-cli\settings.json",
}


def configuration(request: Request) -> Configuration:
    """Hooks with their time in milliseconds; managed ones with the mode off that approves everything.

    Raises:
        ConfigurationRefusedError: HTTP is asked for.
    """
    only_shim(request, "gemini")
    hooks = grouped(request, "gemini", EVENTS, name="openleash", timeout=TIMEOUT_SECONDS * _MILLISECONDS)
    settings: dict[str, Any] = {"hooksConfig": {"enabled": True}, "hooks": hooks}
    is_managed = request.scope is Scope.MANAGED
    if is_managed:
        settings["security"] = {"disableYoloMode": True}
        settings["advanced"] = {"excludedEnvVars": sorted((*_NOT_OF_PROJECTS, *SHELL_VARIABLES, *LOADER_VARIABLES))}
    path = _MANAGED[request.system] if is_managed else "~/.gemini/settings.json"
    return Configuration(
        agent="gemini",
        files=(File(path=path, content=as_json(settings)),),
        cautions=(
            "Gemini CLI only warns when a hook is killed, and goes on.",
            "A project's .gemini/.env can still stop hooks by a variable (SHELLOPTS): let folders be trusted first.",
            "The variable GEMINI_CLI_SYSTEM_SETTINGS_PATH can point the agent at other settings: watch its coverage.",
        ),
    )
