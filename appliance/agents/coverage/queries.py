"""Reading which agents there are on which machines, and how well they are covered."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from appliance.agents.coverage.errors import RuntimeUnknownError
from appliance.agents.coverage.records import CoverageFilter, CoverageState, Covered, Runtime
from appliance.agents.coverage.rules import LIVE_FOR, SHIM_PREFIX, covered, statements
from appliance.agents.queries import PERSON_OF_MACHINE
from appliance.agents.shim.release import SHIM_RELEASE, shim_marks
from appliance.database.connection import read_connection

RUNTIMES_MAX: Final = 20_000
# A machine's own name counts where it has enrolled; of a revoked machine nothing is expected any more.
_SELECT: Final = f"""
SELECT r.id, r.machine_id, coalesce(p.id, r.person_id) AS person_id, coalesce(m.hostname, r.hostname) AS hostname,
  r.agent, r.display_name, r.executable, coalesce(nullif(r.platform, ''), m.platform, '') AS platform,
  r.client_version, r.is_installed, r.is_protected, r.detail, r.first_seen_at, r.reported_at, r.unprotected_since,
  r.last_hook_at, r.last_decision_id, r.last_activity_at, r.config_changed_at, r.accepted_at, r.noted_state
FROM agent_runtime r LEFT JOIN machine m ON m.id = r.machine_id {PERSON_OF_MACHINE}
WHERE m.revoked_at IS NULL
"""  # noqa: S608 - constants only
# A superset of what the rules call so: of most agents nothing needs to be looked at.
_SUSPECT: Final = """
AND (r.noted_state IN ('tampered', 'silent') OR r.config_changed_at > coalesce(r.accepted_at, '-infinity')
  OR r.unprotected_since >= coalesce(r.last_hook_at, '-infinity')
  OR r.last_activity_at > coalesce(r.last_hook_at, '-infinity')
  OR (r.client_version LIKE $2 AND r.client_version <> ALL ($1::text[])))
"""
_RELEASES: Final = f"{SHIM_PREFIX}{SHIM_RELEASE}-%"
_OTHERS: Final = """
AND ($1 = '' OR r.agent = $1) AND strpos(lower(coalesce(m.hostname, r.hostname)), lower($2)) > 0
AND ($3::uuid IS NULL OR r.machine_id = $3) AND ($4 = '' OR $4 = CASE
  WHEN r.last_hook_at IS NULL THEN 'never' WHEN r.last_hook_at >= $5 THEN 'live' ELSE 'quiet' END)
ORDER BY r.last_hook_at IS NULL, r.last_hook_at < $5, lower(coalesce(m.hostname, r.hostname)), r.agent LIMIT $6
"""
_ALARMING: Final = """
SELECT DISTINCT r.noted_state FROM agent_runtime r LEFT JOIN machine m ON m.id = r.machine_id
WHERE r.noted_state IN ($1, $2) AND m.revoked_at IS NULL
"""
_ALARMS: Final = frozenset({CoverageState.TAMPERED.value, CoverageState.SILENT.value})
_ORDER: Final = {state: place for place, state in enumerate(CoverageState)}


def _runtime(row: Any) -> Runtime:  # noqa: ANN401 - asyncpg.Record
    return Runtime(**{name: row[name] for name in Runtime.__struct_fields__})


async def suspects() -> list[Runtime]:
    """Every agent that may be tampered with or silent, or was so when it was last looked at; the rules decide."""
    async with read_connection() as connection:
        rows = await connection.fetch(_SELECT + _SUSPECT, list(shim_marks()), _RELEASES)
    return [_runtime(row) for row in rows]


async def runtimes_of(person_id: UUID) -> list[Runtime]:
    """The agents on one person's machines, by host name and agent."""
    async with read_connection() as connection:
        rows = await connection.fetch(
            _SELECT + "AND coalesce(p.id, r.person_id) = $1 ORDER BY 4, r.agent LIMIT $2", person_id, RUNTIMES_MAX
        )
    return [_runtime(row) for row in rows]


async def runtimes_on(machine_id: UUID) -> list[Runtime]:
    """The agents on one machine."""
    async with read_connection() as connection:
        rows = await connection.fetch(_SELECT + "AND r.machine_id = $1 ORDER BY r.agent", machine_id)
    return [_runtime(row) for row in rows]


async def runtime_by_id(runtime_id: UUID) -> Runtime:
    """One agent on a machine.

    Raises:
        RuntimeUnknownError: there is none.
    """
    async with read_connection() as connection:
        row = await connection.fetchrow(_SELECT + "AND r.id = $1", runtime_id)
    if row is None:
        raise RuntimeUnknownError
    return _runtime(row)


async def coverage(now: datetime, wanted: CoverageFilter = CoverageFilter(), *, limit: int = 500) -> list[Covered]:  # noqa: B008 - frozen
    """How well agents are covered: what needs attention first, then by host name; at most `limit`."""
    found = {runtime.id: runtime for runtime in await suspects()}
    if wanted.state not in _ALARMS:
        async with read_connection() as connection:
            rows = await connection.fetch(
                _SELECT + _OTHERS, wanted.agent, wanted.hostname, wanted.machine_id, wanted.state, now - LIVE_FOR,
                len(found) + limit,
            )  # fmt: skip
        found |= {row["id"]: _runtime(row) for row in rows}
    judged = [covered(runtime, now, shims=shim_marks()) for runtime in found.values()]
    matching = [one for one in judged if _matches(one, wanted)]
    matching.sort(key=lambda one: (_ORDER[one.state], one.runtime.hostname.lower(), one.runtime.agent))
    return matching[:limit]


async def coverage_statements(now: datetime) -> tuple[str, ...]:
    """What an operator must know of coverage, a sentence each."""
    judged = [covered(runtime, now, shims=shim_marks()) for runtime in await suspects()]
    return statements(sorted(judged, key=lambda one: (one.runtime.hostname.lower(), one.runtime.agent)))


async def alarming_states() -> set[CoverageState]:
    """Which alarms are on, as last noted; fast, because whoever reaches the service may ask."""
    async with read_connection() as connection:
        rows = await connection.fetch(_ALARMING, CoverageState.TAMPERED.value, CoverageState.SILENT.value)
    return {CoverageState(row["noted_state"]) for row in rows}


def _matches(one: Covered, wanted: CoverageFilter) -> bool:
    runtime = one.runtime
    return (
        wanted.state in {"", one.state.value}
        and wanted.agent in {"", runtime.agent}
        and wanted.hostname.lower() in runtime.hostname.lower()
        and wanted.machine_id in {None, runtime.machine_id}
    )
