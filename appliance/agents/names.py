"""What people call the agents, by their names in hook paths."""

from collections.abc import Mapping
from typing import Final

AGENT_NAMES: Final[Mapping[str, str]] = {
    "claude": "Claude Code",
    "codex": "Codex CLI",
    "copilot": "GitHub Copilot",
    "cursor": "Cursor",
    "gemini": "Gemini CLI",
    "opencode": "OpenCode",
    "openclaw": "OpenClaw",
    "nanoclaw": "NanoClaw",
    "cline": "Cline",
    "vscode": "VS Code",
}
# Clients name some agents otherwise than the paths of their hooks.
_ALIASES: Final[Mapping[str, str]] = {
    "claude-code": "claude",
    "claude_code": "claude",
    "github-copilot": "copilot",
    "vs-code": "vscode",
}


def agent_of(kind: str) -> str:
    """The name in hook paths of what a client calls an agent."""
    lowered = kind.strip().lower()
    return _ALIASES.get(lowered, lowered)


def agent_name(agent: str) -> str:
    """What people call an agent; an unknown one keeps its own name."""
    return AGENT_NAMES.get(agent, agent)
