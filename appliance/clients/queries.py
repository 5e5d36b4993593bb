"""Reading what a viewer is shown; whose decisions they are is decided here, for every client alike."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from appliance.agents.coverage.queries import runtimes_of, runtimes_on
from appliance.agents.coverage.records import Runtime
from appliance.approvals.queries import pending_asks, recent_asks
from appliance.approvals.records import Answerer, Ask
from appliance.clients import rules
from appliance.clients.records import Activity, AgentSession, ObservedSkill, SessionSpans, Tally, Viewer
from appliance.database.connection import read_connection

PENDING_MAX: Final = 500
HISTORY: Final = timedelta(days=31)
TALLY_DAYS: Final = 7
_PAGE: Final = 100
_SESSIONS_MAX: Final = 200
_TALLIES_MAX: Final = 2_000
_SELECT: Final = """
SELECT d.id, d.created_at, d.machine_id, d.agent, d.event, d.kind, d.tool, d.project, d.session, d.outcome,
  d.policy_version, d.policies, d.secrets, d.reason, d.summary, d.ask_id, coalesce(m.hostname, '') AS hostname,
  coalesce(p.display_name, '') AS person_name, coalesce(a.state, '') AS ask_state,
  coalesce(a.guidance, '') AS guidance, a.resolved_at, coalesce(a.resolved_by, '') AS resolved_by
FROM decision d LEFT JOIN machine m ON m.id = d.machine_id LEFT JOIN person p ON p.id = d.person_id
  LEFT JOIN ask a ON a.id = d.ask_id
"""
# $1 is a person and $2 a machine, one of them null; $3 and $4 are the beginning as an identifier and as a moment.
_OWN: Final = "d.id >= $3 AND d.created_at >= $4 AND (d.person_id = $1 OR d.machine_id = $2)"
# Apps hide what was plainly allowed, so nobody reads it; the indexes are of the rest alone, which keeps writing cheap.
_NOTABLE_ONLY: Final = "(d.outcome <> 'allow' OR d.secrets > 0)"
# Of others' decisions a person sees those that they have answered.
_ACTIVITY: Final = f"""
{_SELECT} WHERE d.id IN (
  (SELECT d.id FROM decision d WHERE {_OWN} AND {_NOTABLE_ONLY} AND ($5 = '' OR d.agent = $5)
   ORDER BY d.id DESC LIMIT $6::int + $7::int)
  UNION
  (SELECT a.decision_id FROM ask_answer w JOIN ask a ON a.id = w.ask_id
   WHERE w.person_id = $1 AND a.decision_id >= $3 AND ($5 = '' OR a.agent = $5)
   ORDER BY a.decision_id DESC LIMIT $6::int + $7::int)
) AND d.created_at >= $4 ORDER BY d.id DESC OFFSET $6 LIMIT $7
"""  # noqa: S608 - constants only
_BY_IDS: Final = f"{_SELECT} WHERE d.id = ANY ($1::uuid[]) AND d.created_at BETWEEN $2 AND $3"
_APART: Final = timedelta(hours=1)  # an ask and its decision are of one commit, each with a moment of its own
_SESSIONS: Final = f"""
SELECT s.*, coalesce(m.hostname, '') AS hostname FROM (
  SELECT d.machine_id, d.agent, d.session, max(d.project) AS project, min(d.created_at) AS first_at,
    max(d.created_at) AS last_at, count(*) AS calls, count(*) FILTER (WHERE d.outcome = 'ask') AS asks,
    count(*) FILTER (WHERE d.outcome = 'deny') AS denies,
    coalesce(array_agg(DISTINCT split_part(d.tool, '__', 2)) FILTER (WHERE d.tool LIKE 'mcp\\_\\_%'), '{{}}')
      AS mcp_servers
  FROM decision d WHERE {_OWN} AND d.session <> ''
  GROUP BY d.machine_id, d.agent, d.session ORDER BY max(d.created_at) DESC LIMIT {_SESSIONS_MAX}
) s LEFT JOIN machine m ON m.id = s.machine_id ORDER BY s.last_at DESC
"""  # noqa: S608 - constants only
_SPANS: Final = f"""
SELECT count(*) FILTER (WHERE last_at > $5) AS today_sessions,
  coalesce(sum(extract(epoch FROM last_at - greatest(first_at, $5))) FILTER (WHERE last_at > $5), 0)::bigint
    AS today_seconds,
  count(*) FILTER (WHERE last_at > $6) AS day_sessions,
  coalesce(sum(extract(epoch FROM last_at - greatest(first_at, $6))) FILTER (WHERE last_at > $6), 0)::bigint
    AS day_seconds,
  count(*) FILTER (WHERE last_at > $7) AS week_sessions,
  coalesce(sum(extract(epoch FROM last_at - greatest(first_at, $7))) FILTER (WHERE last_at > $7), 0)::bigint
    AS week_seconds,
  count(*) AS month_sessions, coalesce(sum(extract(epoch FROM last_at - first_at)), 0)::bigint AS month_seconds
FROM (
  SELECT min(d.created_at) AS first_at, max(d.created_at) AS last_at
  FROM decision d WHERE {_OWN} AND d.session <> '' GROUP BY d.machine_id, d.agent, d.session
) s
"""  # noqa: S608 - constants only
_TALLIES: Final = f"""
SELECT d.agent, d.outcome, d.policies, coalesce(a.state, '') AS ask_state, count(*) AS count
FROM decision d LEFT JOIN ask a ON a.id = d.ask_id
WHERE {_OWN} GROUP BY 1, 2, 3, 4 ORDER BY count(*) DESC LIMIT {_TALLIES_MAX}
"""  # noqa: S608 - constants only
_NOTABLE: Final = f"""
{_SELECT} WHERE {_OWN} AND {_NOTABLE_ONLY} ORDER BY d.id DESC LIMIT $5
"""
_SKILLS: Final = """
SELECT * FROM skill_observation WHERE ($1::uuid IS NULL OR id < $1) ORDER BY id DESC LIMIT $2
"""


async def shown_asks(viewer: Viewer, now: datetime) -> list[Ask]:
    """Asks that wait and that the viewer made or may answer, oldest first; beyond PENDING_MAX the newest."""
    concerned, machine = _concerned(viewer), viewer.machine_id
    found = page = await pending_asks(now, limit=_PAGE, requester=concerned, machine_id=machine)
    while len(page) == _PAGE:
        page = await pending_asks(now, limit=_PAGE, after=page[-1].id, requester=concerned, machine_id=machine)
        found = [*found, *page]
    return [ask for ask in found if rules.is_shown(viewer, ask)][-PENDING_MAX:]


async def ended_asks(viewer: Viewer, *, limit: int) -> list[Ask]:
    """Asks of the viewer's own, and such as they may have answered, that have ended, newest first."""
    everybody = viewer.machine_id is not None or viewer.may_answer
    found = await recent_asks(
        limit=limit, requester=None if everybody else viewer.answerer, machine_id=viewer.machine_id
    )
    return [ask for ask in found if rules.is_shown(viewer, ask)]


async def activity(
    viewer: Viewer, since: datetime, *, agent: str = "", offset: int = 0, limit: int = 50
) -> list[Activity]:
    """Notable decisions about the viewer's own agents, and those that they have answered, newest first.

    Notable is what was asked about, denied, or carried a secret.
    """
    async with read_connection() as connection:
        rows = await connection.fetch(_ACTIVITY, *_own(viewer, since), agent, offset, limit)
    return [_activity(row) for row in rows]


async def activity_of(asks: Sequence[Ask]) -> dict[UUID, Activity]:
    """The decisions that opened these asks, by their identifier."""
    if not asks:
        return {}
    moments = [ask.created_at for ask in asks]
    first, last = min(moments) - _APART, max(moments) + _APART
    async with read_connection() as connection:
        rows = await connection.fetch(_BY_IDS, [ask.decision_id for ask in asks], first, last)
    return {row["id"]: _activity(row) for row in rows}


async def agent_sessions(viewer: Viewer, since: datetime) -> list[AgentSession]:
    """Conversations of the viewer's own agents, the last active first, at most 200."""
    async with read_connection() as connection:
        rows = await connection.fetch(_SESSIONS, *_own(viewer, since))
    return [AgentSession(**{**dict(row), "mcp_servers": tuple(row["mcp_servers"])}) for row in rows]


async def session_spans(viewer: Viewer, now: datetime) -> SessionSpans:
    """How many conversations the viewer's own agents had, and how long they were; it reads a whole month."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    since = [midnight, now - timedelta(days=1), now - timedelta(days=7)]
    async with read_connection() as connection:
        row = await connection.fetchrow(_SPANS, *_own(viewer, now - timedelta(days=30)), *since)
    return SessionSpans(**dict(row))


async def runtimes_for(viewer: Viewer) -> list[Runtime]:
    """The agents on the viewer's machines, as they were reported and as their hooks arrived."""
    if viewer.machine_id is not None:
        return await runtimes_on(viewer.machine_id)
    return await runtimes_of(viewer.person_id) if viewer.person_id is not None else []


async def tallies(viewer: Viewer, now: datetime) -> list[Tally]:
    """What was decided about the viewer's own agents in the last TALLY_DAYS, counted; it reads all of that."""
    async with read_connection() as connection:
        rows = await connection.fetch(_TALLIES, *_own(viewer, now - timedelta(days=TALLY_DAYS)))
    return [Tally(**dict(row)) for row in rows]


async def notable(viewer: Viewer, since: datetime, *, limit: int) -> list[Activity]:
    """Decisions about the viewer's own agents that were asked about, denied, or in which a secret was seen."""
    async with read_connection() as connection:
        rows = await connection.fetch(_NOTABLE, *_own(viewer, since), limit)
    return [_activity(row) for row in rows]


async def observed_skills(*, before: UUID | None = None, limit: int = 50) -> list[ObservedSkill]:
    """Skills that desktops have told of, newest first."""
    async with read_connection() as connection:
        rows = await connection.fetch(_SKILLS, before, limit)
    return [ObservedSkill(**{name: row[name] for name in ObservedSkill.__struct_fields__}) for row in rows]


def _concerned(viewer: Viewer) -> Answerer | None:
    """Whose asks to look through: None for everybody's."""
    return None if viewer.may_answer else viewer.answerer


def _own(viewer: Viewer, since: datetime) -> tuple[UUID | None, UUID | None, UUID, datetime]:
    return viewer.person_id, viewer.machine_id, rules.first_id(int(since.timestamp() * 1000)), since


def _activity(row: Any) -> Activity:  # noqa: ANN401 - asyncpg.Record has no types
    return Activity(**{name: row[name] for name in Activity.__struct_fields__})
