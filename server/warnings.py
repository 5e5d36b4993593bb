"""What does not keep the service from deciding but wants somebody's attention."""

from typing import Final

import structlog

from appliance.agents.coverage.queries import alarming_states
from appliance.agents.coverage.records import CoverageState
from appliance.database.connection import UNREACHABLE
from appliance.database.errors import DatabaseError
from appliance.identity.directories.records import HostState
from appliance.identity.directories.service import Directories
from appliance.updates.releases import Releases

UNENCRYPTED: Final = "directory_unencrypted"
UNREACHABLE_HOST: Final = "directory_host_down"
SYNC_FAILING: Final = "directory_sync_failing"
SYNC_HELD: Final = "directory_sync_held"
AGENT_WARNINGS: Final = {CoverageState.TAMPERED: "agent_tampered", CoverageState.SILENT: "agent_silent"}
UPDATES_REFUSED: Final = "updates_refused"
log = structlog.get_logger("server")


async def warnings_of(directories: Directories, releases: Releases, *, of_agents: bool) -> list[str]:
    """Words without names, because whoever reaches the service may ask; the pages and `/v1/directories` name them.

    What agents do is told only to those who may read of agents (`of_agents`): an intruder shall not learn from us
    whether a tampered agent was noticed.

    People sign in by other ways, and calls are decided, whatever becomes of a directory: none of this makes the
    service unready.
    """
    found = set()
    for name in directories.names:
        if directories.settings(name).allow_unencrypted:
            found.add(UNENCRYPTED)
        if any(host.state is HostState.COOLING for host in directories.port(name).hosts()):
            found.add(UNREACHABLE_HOST)
    try:
        statuses = await directories.statuses()
        found |= {AGENT_WARNINGS[state] for state in await alarming_states()} if of_agents else set()
    except (*UNREACHABLE, DatabaseError) as problem:
        log.warning("health.database", problem=f"{type(problem).__name__}: {problem}")
        statuses = ()
    if any(status.last_failed for status in statuses):
        found.add(SYNC_FAILING)
    if any(status.held for status in statuses):
        found.add(SYNC_HELD)
    if await releases.problem():
        found.add(UPDATES_REFUSED)
    return sorted(found)
