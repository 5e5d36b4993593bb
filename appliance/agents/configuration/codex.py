"""Codex CLI: `requirements.toml`, which users cannot override, or the user's own `hooks.json`.

Source: developers.openai.com/codex, pages hooks and managed configuration.
"""

import json
from typing import Final

from appliance.agents.configuration.hooks import TIMEOUT_SECONDS, as_json, command, grouped, only_shim, shim_path
from appliance.agents.configuration.records import Configuration, File, Request, Scope, System

EVENTS: Final = (
    "UserPromptSubmit", "PreToolUse", "PermissionRequest", "PostToolUse", "SubagentStart", "SubagentStop", "Stop",
    "SessionStart",
)  # fmt: skip
_MANAGED: Final = {
    System.LINUX: "/etc/codex/requirements.toml",
    System.MACOS: "/etc/codex/requirements.toml",
    System.WINDOWS: r"C:\ProgramData\OpenAI\Codex\requirements.toml",
}
# Without the policy `never` and the sandbox `danger-full-access`, which skip every question.
_HEAD: Final = """\
allow_managed_hooks_only = true
allowed_approval_policies = ["untrusted", "on-request"]
allowed_sandbox_modes = ["read-only", "workspace-write"]

[features]
hooks = true

[hooks]
{key} = {folder}
"""
_HOOK: Final = """
[[hooks.{event}]]
[[hooks.{event}.hooks]]
type = "command"
command = {command}
timeout = {seconds}
"""
_FAILS_OPEN: Final = "Codex goes on without a hook that is missing: only administrators may write to the shim's folder."

_SHELL: Final = "Start Codex without SHELLOPTS and BASH_ENV: its shell obeys them before any hook does."


def configuration(request: Request) -> Configuration:
    """Managed hooks alone, and no way around approvals; or hooks that the user must trust by `/hooks`.

    Raises:
        ConfigurationRefusedError: HTTP is asked for.
    """
    only_shim(request, "codex")
    if request.scope is Scope.MANAGED:
        file = File(path=_MANAGED[request.system], content=_requirements(request))
        return Configuration(agent="codex", files=(file,), cautions=(_FAILS_OPEN, _SHELL))
    content = as_json({"hooks": grouped(request, "codex", EVENTS, timeout=TIMEOUT_SECONDS)})
    return Configuration(
        agent="codex",
        files=(File(path="~/.codex/hooks.json", content=content),),
        cautions=(
            _FAILS_OPEN,
            _SHELL,
            "Codex runs these hooks once its user has trusted them: enter /hooks.",
        ),
    )


def _requirements(request: Request) -> str:
    is_windows = request.system is System.WINDOWS
    folder = shim_path(request).rpartition("\\" if is_windows else "/")[0]
    key = "windows_managed_dir" if is_windows else "managed_dir"
    # A JSON string is a basic string of TOML, too.
    hooks = [
        _HOOK.format(event=event, command=json.dumps(command(request, "codex", event)), seconds=TIMEOUT_SECONDS)
        for event in EVENTS
    ]
    return _HEAD.format(key=key, folder=json.dumps(folder)) + "".join(hooks)
