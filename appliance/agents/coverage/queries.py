"""Reading which agents there are on which machines, and how well they are covered."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from appliance.agents.coverage.errors import RuntimeUnknownError
from appliance.agents.coverage.records import CoverageFilter, CoverageState, Covered, Runtime
from appliance.agents.coverage.rules import covered, statements
from appliance.agents.queries import PERSON_OF_MACHINE
from appliance.agents.shim.release import shim_marks
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
_ALARMING: Final = """
SELECT DISTINCT r.noted_state FROM agent_runtime r LEFT JOIN machine m ON m.id = r.machine_id
WHERE r.noted_state IN ($1, $2) AND m.revoked_at IS NULL
"""
_ORDER: Final = {state: place for place, state in enumerate(CoverageState)}


def _runtime(row: Any) -> Runtime:  # noqa: ANN401 - asyncpg.Record
    return Runtime(**{name: row[name] for name in Runtime.__struct_fields__})


async def runtimes(*, limit: int = RUNTIMES_MAX) -> list[Runtime]:
    """The agents on all machines that are not revoked."""
    async with read_connection() as connection:
        rows = await connection.fetch(_SELECT + "ORDER BY r.id LIMIT $1", limit)
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
    found = [covered(runtime, now, shims=shim_marks()) for runtime in await runtimes()]
    matching = [one for one in found if _matches(one, wanted)]
    matching.sort(key=lambda one: (_ORDER[one.state], one.runtime.hostname.lower(), one.runtime.agent))
    return matching[:limit]


async def coverage_statements(now: datetime) -> tuple[str, ...]:
    """What an operator must know of coverage, a sentence each."""
    return statements(await coverage(now, limit=RUNTIMES_MAX))


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
