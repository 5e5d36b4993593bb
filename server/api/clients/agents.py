"""The agents of a viewer and their conversations, as apps read them."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple

import msgspec

from appliance.agents.coverage.records import Runtime
from appliance.clients import rules
from appliance.clients.records import AgentSession, SessionSpans
from server.api.clients.activity import ActivityItem
from server.api.clients.texts import last_part, line

_EVENTS_MAX: Final = 10


class _Place(NamedTuple):
    """An agent on a machine; before that has enrolled, its host name stands for it."""

    machine: str
    agent: str


class SessionView(msgspec.Struct, frozen=True, kw_only=True):
    """One conversation with an agent."""

    id: str
    session_id: str
    agent_kind: str
    agent_name: str
    hostname: str
    title: str
    project_path: str
    started_at: datetime
    last_activity_at: datetime
    duration_seconds: int
    event_count: int
    approval_count: int
    denied_count: int
    mcp_servers: list[str]
    events: list[ActivityItem]


class AgentView(msgspec.Struct, frozen=True, kw_only=True):
    """An agent on a machine.

    Attributes:
        desired_monitored: always true: on false a desktop would take the agent's hooks away.
        decision, resolution: of its last call that is told.
    """

    id: str
    kind: str
    display_name: str
    hostname: str
    installed: bool
    protected: bool
    last_seen_at: datetime | None
    activity_at: datetime | None
    decision: str | None
    resolution: str | None
    short_summary: str
    project_path: str
    sessions: list[SessionView]
    recent_activity: list[ActivityItem]
    desired_monitored: Literal[True] = True


class SessionMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """How many conversations there were, and how long they lasted."""

    today_sessions: int
    today_seconds: int
    last24h_sessions: int
    last24h_seconds: int
    week_sessions: int
    week_seconds: int
    month_sessions: int
    month_seconds: int


def agents_of(
    runtimes: Sequence[Runtime], sessions: Sequence[AgentSession], activity: Sequence[ActivityItem]
) -> list[AgentView]:
    """Each agent that was reported or has asked, with its conversations; `activity` is told of them, newest first."""
    by_agent = defaultdict[_Place, list[AgentSession]](list)
    for session in sessions:
        by_agent[_Place(str(session.machine_id), session.agent)].append(session)
    known = {_Place(str(each.machine_id or each.hostname), each.agent): each for each in runtimes}
    return [_agent(place, known.get(place), by_agent.get(place, []), activity) for place in {**known, **by_agent}]


def _agent(
    place: _Place, runtime: Runtime | None, sessions: Sequence[AgentSession], activity: Sequence[ActivityItem]
) -> AgentView:
    named = rules.named(place.agent)
    newest = max(sessions, key=lambda session: session.last_at) if sessions else None
    host = line(newest.hostname if newest else runtime.hostname if runtime else "")
    own = [item for item in activity if (item.agent_kind, item.hostname) == (named.kind, host)]
    last, active_at = own[0] if own else None, newest.last_at if newest else None
    reported = runtime.reported_at or runtime.last_hook_at or runtime.first_seen_at if runtime else None
    return AgentView(
        id=f"{place.machine}:{named.kind}",
        kind=named.kind,
        display_name=line(runtime.display_name) if runtime else named.name,
        hostname=host,
        installed=runtime is None or runtime.is_installed is not False,
        protected=newest is not None or (runtime is not None and runtime.is_protected is True),
        last_seen_at=active_at or reported,
        activity_at=active_at,
        decision=last.decision if last else None,
        resolution=last.resolution if last else None,
        short_summary=last.summary if last else "",
        project_path=line(newest.project) if newest else "",
        sessions=[_session(session, own) for session in sessions],
        recent_activity=own[:_EVENTS_MAX],
    )


def _session(session: AgentSession, activity: Sequence[ActivityItem]) -> SessionView:
    named, identifier = rules.named(session.agent), line(session.session)
    events = [item for item in activity if item.session_id == identifier]
    return SessionView(
        id=f"{session.machine_id}:{identifier}",
        session_id=identifier,
        agent_kind=named.kind,
        agent_name=named.name,
        hostname=line(session.hostname),
        title=last_part(line(session.project)) or named.name,
        project_path=line(session.project),
        started_at=session.first_at,
        last_activity_at=session.last_at,
        duration_seconds=_seconds(session.first_at, session.last_at),
        event_count=session.calls,
        approval_count=session.asks,
        denied_count=session.denies,
        mcp_servers=[line(server, 100) for server in session.mcp_servers],
        events=events[:_EVENTS_MAX],
    )


def metrics_of(spans: SessionSpans) -> SessionMetrics:
    """As apps call them."""
    return SessionMetrics(
        today_sessions=spans.today_sessions, today_seconds=spans.today_seconds, last24h_sessions=spans.day_sessions,
        last24h_seconds=spans.day_seconds, week_sessions=spans.week_sessions, week_seconds=spans.week_seconds,
        month_sessions=spans.month_sessions, month_seconds=spans.month_seconds,
    )  # fmt: skip


def _seconds(first: datetime, last: datetime) -> int:
    return int((last - first).total_seconds())
