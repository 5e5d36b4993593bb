"""Claude Code: `managed-settings.json`, which users and projects cannot override, or the user's own settings.

Source: code.claude.com/docs, pages hooks, settings and managed settings.
"""

from typing import Any, Final

from appliance.agents.configuration.hooks import (
    LOADER_VARIABLES,
    SHELL_VARIABLES,
    TIMEOUT_SECONDS,
    as_json,
    grouped,
    without,
    words,
)
from appliance.agents.configuration.records import Configuration, File, Request, Scope, System, Transport

EVENTS: Final = (
    "UserPromptSubmit", "PreToolUse", "PermissionRequest", "PostToolUse", "ConfigChange", "SubagentStop", "Stop",
    "SessionStart", "SessionEnd",
)  # fmt: skip
_TOKEN: Final = "OPENLEASH_TOKEN"  # noqa: S105 - the name of a variable
_MANAGED: Final = {
    System.LINUX: "/etc/claude-code/managed-settings.json",
    System.MACOS: "/Library/Application Support/ClaudeCode/managed-settings.json",
    System.WINDOWS: r"C:\Program Files\ClaudeCode\managed-settings.json",
}
_OWN: Final = "~/.claude/settings.json"
_FAIL_CLOSED: Final = "Claude Code obeys onFailure from release 2.1.295; older ones go on without a hook."
_VARIABLES: Final = (
    "The managed env empties variables by which a project could stop hooks, such as SHELLOPTS, BASH_ENV and "
    "LD_LIBRARY_PATH; tools that need them must get them in another way."
)
_BY_PROJECT: Final = "A project's settings can set variables that stop hooks (SHELLOPTS): prefer the scope managed."
_BY_USER: Final = "Whoever uses the agent, and the agent itself, can change these settings: prefer the scope managed."


def configuration(request: Request) -> Configuration:
    """Hooks that block when they fail; managed ones exclude all others, and the modes that skip permissions."""
    is_managed = request.scope is Scope.MANAGED
    settings: dict[str, Any] = {"hooks": hooks(request, "claude")}
    if is_managed:
        settings |= {
            "allowManagedHooksOnly": True,
            "disableAllHooks": False,
            "permissions": {"disableBypassPermissionsMode": "disable"},
            "env": without(*SHELL_VARIABLES, *LOADER_VARIABLES),
        }
    if is_managed and request.transport is Transport.HTTP:
        settings |= {"allowedHttpHookUrls": [f"{request.origin}/v1/hooks/*"], "httpHookAllowedEnvVars": [_TOKEN]}
    path = _MANAGED[request.system] if is_managed else _OWN
    return Configuration(
        agent="claude", files=(File(path=path, content=as_json(settings)),), cautions=_cautions(request)
    )


def hooks(request: Request, agent: str) -> dict[str, Any]:
    """The hooks of an agent that speaks as Claude Code does."""
    if request.transport is Transport.SHIM and request.scope is Scope.MANAGED:
        return {event: [{"hooks": [_started(request, agent, event)]}] for event in EVENTS}
    if request.transport is Transport.SHIM:
        return grouped(request, agent, EVENTS, timeout=TIMEOUT_SECONDS, onFailure="block")
    return {event: [{"hooks": [_http(request, agent, event)]}] for event in EVENTS}


def _started(request: Request, agent: str, event: str) -> dict[str, Any]:
    """Without a shell, which `args` asks for from release 2.1.139; without its arguments the shim denies."""
    program, *arguments = words(request, agent, event)
    return {
        "type": "command",
        "command": program,
        "args": arguments,
        "timeout": TIMEOUT_SECONDS,
        "onFailure": "block",
    }


def _http(request: Request, agent: str, event: str) -> dict[str, Any]:
    return {
        "type": "http",
        "url": f"{request.origin}/v1/hooks/{agent}/{event}?timeout_seconds={TIMEOUT_SECONDS}",
        "headers": {"Authorization": f"Bearer ${_TOKEN}"},
        "allowedEnvVars": [_TOKEN],
        "timeout": TIMEOUT_SECONDS,
        "onFailure": "block",
    }


def _cautions(request: Request) -> tuple[str, ...]:
    found = [_FAIL_CLOSED]
    if request.scope is Scope.USER:
        found += [_BY_USER, _BY_PROJECT]
    else:
        found.append(_VARIABLES)
    if request.transport is Transport.HTTP:
        found.append(f"The machine's token must be in the variable {_TOKEN}, which all that the agent runs can read.")
    return tuple(found)
