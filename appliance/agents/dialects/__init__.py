"""Each agent's hook protocol, both ways: its JSON to an Action, a verdict to its native reply. Pure functions."""

from collections.abc import Mapping
from typing import Any, Final

from appliance.actions.records import Action
from appliance.agents.dialects import claude, cline, codex, copilot, cursor, gemini, opencode, plain
from appliance.agents.dialects.dialect import MARGIN_SECONDS, PUBLISHED_HOLD_SECONDS, Body, Dialect, Event, Reply
from appliance.agents.dialects.reading import read_action
from appliance.agents.dialects.reasons import clean_reason
from appliance.agents.errors import AgentUnknownError, EventUnknownError

DIALECTS: Final[Mapping[str, Dialect]] = {
    "claude": claude.CLAUDE,
    "codex": codex.CODEX,
    "copilot": copilot.COPILOT,
    "cursor": cursor.CURSOR,
    "gemini": gemini.GEMINI,
    "opencode": opencode.OPENCODE,
    "openclaw": plain.OPENCLAW,
    "nanoclaw": claude.NANOCLAW,
    "cline": cline.CLINE,
    "vscode": claude.VSCODE,
}


def is_known(agent: str, event: str) -> bool:
    """Whether the agent has a dialect, and its protocol the event."""
    dialect = DIALECTS.get(agent)
    return dialect is not None and event in dialect.events


def read(agent: str, event: str, body: Body) -> Action:
    """What the agent tells in the hook body of one event.

    Raises:
        AgentUnknownError, EventUnknownError: no such dialect or event.
        BodyRefusedError: the body is not what the agent's protocol says.
    """
    _event(agent, event)
    return read_action(DIALECTS[agent], agent, event, body)


def allow(agent: str, event: str, reason: str, updated_input: Mapping[str, Any] | None = None) -> Reply:
    """The agent's native words for: go on; before a tool perhaps with another input, where the agent takes one.

    Raises:
        AgentUnknownError, EventUnknownError: no such dialect or event.
    """
    known = _event(agent, event)
    reply = known.allow(clean_reason(reason))
    return reply if updated_input is None or known.updated is None else known.updated(reply, updated_input)


def with_masked_output(agent: str, event: str, allowed: Reply, sent: Body, masked: Body) -> Reply:
    """An allow after a tool in which the tool's output is that of the masked body, where the agent takes one.

    `allowed` is what `allow` gave; it is returned if no secret is in the output, or the agent keeps its own.
    """
    known = _event(agent, event)
    return allowed if known.masked is None else known.masked(allowed, sent, masked)


def deny(agent: str, event: str, reason: str) -> Reply:
    """The agent's native words for: do not; what that stops is the event's (docs/reference/agents.md).

    Raises:
        AgentUnknownError, EventUnknownError: no such dialect or event.
    """
    return _event(agent, event).deny(clean_reason(reason))


def hold_seconds(agent: str, event: str, timeout_seconds: float | None = None) -> float:
    """How long a call may be held before its agent would go on without an answer.

    `timeout_seconds` is the hook's own time-out, where the hook tells it; otherwise it is the one that the agent has.
    """
    if timeout_seconds is not None:
        return min(max(timeout_seconds - MARGIN_SECONDS, 1.0), PUBLISHED_HOLD_SECONDS)
    own = _event(agent, event).hold_seconds
    return DIALECTS[agent].hold_seconds if own is None else own


def _event(agent: str, event: str) -> Event:
    dialect = DIALECTS.get(agent)
    if dialect is None:
        raise AgentUnknownError
    known = dialect.events.get(event)
    if known is None:
        raise EventUnknownError
    return known
