"""What each agent does with the end of its hook before a tool, as its vendor has published it (2026-11)."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple


class Ended(NamedTuple):
    """A hook that has ended; `code` is None if the agent gave up waiting for it."""

    code: int | None
    out: str

    @property
    def said(self) -> dict[str, Any]:
        """The JSON object of its output; empty for everything else."""
        try:
            read = json.loads(self.out)
        except ValueError:
            return {}
        return read if isinstance(read, dict) else {}


def _specific(ended: Ended) -> str:
    specific = ended.said.get("hookSpecificOutput")
    return str(specific.get("permissionDecision", "")) if isinstance(specific, dict) else ""


def _claude(ended: Ended) -> bool:
    """Exit 2 blocks, any other failure does not; of an exit 0 the JSON counts."""
    return ended.code != 2 and not (ended.code == 0 and _specific(ended) == "deny")


def _claude_managed(ended: Ended) -> bool:
    """The same with `onFailure: "block"`."""
    return ended.code == 0 and bool(ended.said) and _specific(ended) != "deny"


_CODEX_FIELDS = {
    "decision",
    "reason",
    "hookSpecificOutput",
    "continue",
    "stopReason",
    "systemMessage",
    "suppressOutput",
}


def _codex(ended: Ended) -> bool:
    """Exit 2 blocks; a reply with a field too many is discarded, and the tool runs."""
    if ended.code != 0:
        return ended.code != 2
    said = ended.said if set(ended.said) <= _CODEX_FIELDS else {}
    is_blocked = said.get("decision") == "block" and bool(said.get("reason"))
    return not (is_blocked or (said and _specific(ended) == "deny"))


def _copilot(ended: Ended) -> bool:
    """Before a tool any failure denies; only a time-out does not."""
    return ended.code is None or (ended.code == 0 and ended.said.get("permissionDecision") != "deny")


def _gemini(ended: Ended) -> bool:
    """Exit 2 blocks, any other failure is a warning."""
    return ended.code != 2 and not (ended.code == 0 and ended.said.get("decision") in {"block", "deny"})


def _cursor(ended: Ended) -> bool:
    """Exit 2 denies; any other failure lets go on, because published hooks do not set `failClosed`."""
    return ended.code != 2 and not (ended.code == 0 and ended.said.get("permission") == "deny")


def _plug_in(ended: Ended) -> bool:
    """Our own plug-ins, and those of the published desktop: only a whole answer that allows lets go on."""
    return ended.code == 0 and ended.said.get("decision") == "allow"


def _cline(ended: Ended) -> bool:
    """Every failure blocks; of an exit 0 `cancel` counts."""
    return ended.code == 0 and ended.said.get("cancel") is not True


# Whether the tool runs.
TOOL_RUNS: dict[str, Callable[[Ended], bool]] = {
    "claude": _claude,
    "nanoclaw": _claude,
    "codex": _codex,
    "copilot": _copilot,
    "vscode": _claude,
    "gemini": _gemini,
    "cursor": _cursor,
    "opencode": _plug_in,
    "openclaw": _plug_in,
    "cline": _cline,
}
CLAUDE_MANAGED = _claude_managed
