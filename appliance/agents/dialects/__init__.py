"""Each agent's hook protocol, both ways: its JSON to an Action, a verdict to its native reply. Pure functions."""

from collections.abc import Mapping
from typing import Any, Final

from appliance.actions.records import Action
from appliance.agents.dialects import claude, codex, copilot, cursor, gemini, plain
from appliance.agents.dialects.dialect import Dialect, Reply
from appliance.agents.dialects.reading import read_action
from appliance.agents.dialects.reasons import clean_reason
from appliance.agents.errors import AgentUnknownError, EventUnknownError

DIALECTS: Final[Mapping[str, Dialect]] = {
    "claude": claude.CLAUDE,
    "codex": codex.CODEX,
    "copilot": copilot.COPILOT,
    "cursor": cursor.CURSOR,
    "gemini": gemini.GEMINI,
    "opencode": plain.OPENCODE,
    "openclaw": plain.OPENCLAW,
    "nanoclaw": claude.NANOCLAW,
}


def is_known(agent: str, event: str) -> bool:
    """Whether the agent has a dialect, and its protocol the event."""
    dialect = DIALECTS.get(agent)
    return dialect is not None and event in dialect.events


def read(agent: str, event: str, body: Mapping[str, Any]) -> Action:
    """What the agent tells in the hook body of one event.

    Raises:
        AgentUnknownError, EventUnknownError: no such dialect or event.
        BodyRefusedError: the body is not what the agent's protocol says.
    """
    return read_action(_dialect(agent, event), agent, event, body)


def allow(agent: str, event: str, reason: str, updated_input: Mapping[str, Any] | None = None) -> Reply:
    """The agent's native words for: go on; before a tool perhaps with another input, where the agent takes one.

    Raises:
        AgentUnknownError, EventUnknownError: no such dialect or event.
    """
    dialect = _dialect(agent, event)
    reply = dialect.allow(event, clean_reason(reason))
    return reply if updated_input is None else dialect.updated(event, reply, updated_input)


def deny(agent: str, event: str, reason: str) -> Reply:
    """The agent's native words for: do not; what that stops is the event's (docs/reference/agents.md).

    Raises:
        AgentUnknownError, EventUnknownError: no such dialect or event.
    """
    return _dialect(agent, event).deny(event, clean_reason(reason))


def hold_seconds(agent: str, event: str) -> float:
    """How long the agent waits for an answer, less a margin: after that it would go on without one."""
    return _dialect(agent, event).hold_seconds


def _dialect(agent: str, event: str) -> Dialect:
    dialect = DIALECTS.get(agent)
    if dialect is None:
        raise AgentUnknownError
    if event not in dialect.events:
        raise EventUnknownError
    return dialect
