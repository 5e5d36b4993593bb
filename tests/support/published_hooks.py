"""Hooks as the published installers write them: one command of the shell for each agent and event."""

import asyncio
import json
import shlex
import subprocess
from typing import Any, Final

from tests.support.contract import VERSIONS
from tests.support.machines import Answer, Machine

EVENTS: Final = ("UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop")
AGENTS: Final = ("claude", "codex", "copilot", "cursor", "gemini", "opencode", "openclaw", "nanoclaw")
PLACES: Final = [*((agent, event) for agent in AGENTS for event in EVENTS), ("copilot", "SessionStart")]
LOCAL, TENANT = "localHookEvaluate", "tenantHookEvaluate"  # the CLI's installer, and the desktop's


def command_of(machine: Machine, agent: str, event: str, function: str = LOCAL, version: str | None = None) -> str:
    """The command as it stands in the agent's settings: no bearer, no -L and no time-out."""
    words = (
        "-sS", "--fail-with-body", "-X", "POST", f"{machine.http.base_url}".rstrip("/") + machine.path(agent, event),
        "-H", "content-type: application/json", "-H", f"x-openleash-api-function: {function}",
        "-H", f"x-openleash-api-version: {version or VERSIONS[function]}", "--data-binary", "@-",
    )  # fmt: skip
    return "curl " + " ".join(map(shlex.quote, words))


async def run(command: str, body: object) -> Answer:
    """Run a hook as agents do it: by the shell, with JSON on its standard input; its exit code stands for the status.

    A hook that fails shows no status: agents see its exit code and what it printed.
    """
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    process = await asyncio.create_subprocess_exec(
        "sh", "-c", command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    clock = asyncio.get_running_loop().time
    started = clock()
    out, _err = await process.communicate(content)
    code = process.returncode or 0
    return Answer(200 if code == 0 else 0, json.loads(out), clock() - started, code)


def body_of(agent: str, event: str, command: str) -> dict[str, Any]:
    """What the agent tells of one event under its own names; before and after a tool that is a shell's `command`."""
    told = _SESSIONS[agent] | {"hook_event_name": event}
    if event in {"PreToolUse", "PostToolUse"}:
        done = {"tool_response": {"stdout": "fine"}} if event == "PostToolUse" else {}
        return told | _tool(agent, command) | done
    return told | ({_PROMPTS.get(agent, "prompt"): "Tidy the notes up"} if event == "UserPromptSubmit" else {})


def _tool(agent: str, command: str) -> dict[str, Any]:
    arguments = {"command": command}
    if agent == "copilot":
        return {"toolName": "bash", "toolArgs": json.dumps(arguments)}
    if agent == "cursor":  # its hook before a shell command names no tool
        return {"command": command, "hook_event_name": "beforeShellExecution"}
    if agent == "gemini":
        return {"tool_name": "run_shell_command", "tool_input": arguments}
    if agent == "opencode":
        return {"toolName": "bash", "args": arguments}
    if agent == "openclaw":
        return {"tool": {"name": "exec"}, "params": arguments}
    return {"tool_name": "Bash", "tool_input": arguments}


_PROMPTS: Final = {"gemini": "user_prompt", "opencode": "message", "openclaw": "input_text"}
_SESSIONS: Final[dict[str, dict[str, Any]]] = {
    "claude": {"session_id": "s-88", "cwd": "/src/billing"},
    "codex": {"session_id": "s-88", "cwd": "/src/billing"},
    "copilot": {"sessionId": "s-88", "cwd": "/src/billing"},
    "cursor": {"conversation_id": "s-88", "workspace_roots": ["/src/billing"]},
    "gemini": {"session_id": "s-88", "cwd": "/src/billing"},
    "opencode": {"sessionId": "s-88", "root": "/src/billing"},
    "openclaw": {"thread_id": "s-88", "workspaceDir": "/src/billing"},
    "nanoclaw": {"session_id": "s-88", "project_dir": "/src/billing"},
}
