"""What really arrives from the agents of each machine, for scripts."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath, FromQuery, QueryParameter
from msgspec import Meta

from appliance.agents.coverage.queries import coverage, coverage_statements
from appliance.agents.coverage.records import CoverageFilter, CoverageState, Covered
from appliance.agents.coverage.service import accept_change, record_activity
from appliance.agents.errors import AgentUnknownError
from appliance.agents.names import AGENT_NAMES, agent_of
from appliance.identity.rules import Permission
from server.api.clients.callers import viewer_of
from server.authentication import signed_in_of
from server.authorization import requires, requires_client
from server.dashboard.dependencies import AnyRequest, now_of

_READ = requires(Permission.AGENTS_READ)
_MANAGE = requires(Permission.AGENTS_MANAGE)
_AGENTS_MAX = 2_000
WhichState = Annotated[CoverageState | None, QueryParameter(name="state")]


class CoverageList(msgspec.Struct, frozen=True, kw_only=True):
    """Agents on machines, what needs attention first; `statements` say what an operator must know, a sentence each."""

    agents: list[Covered]
    statements: list[str]


@get("/v1/agents/coverage", guards=[_READ], tags=["Agents"])
async def list_coverage(
    request: AnyRequest,
    which: WhichState = None,
    agent: FromQuery[Annotated[str, Meta(max_length=100)]] = "",
    hostname: FromQuery[Annotated[str, Meta(max_length=255)]] = "",
    machine: FromQuery[UUID | None] = None,
) -> CoverageList:
    """How well agents are covered; at most 2,000."""
    wanted = CoverageFilter(state=which.value if which else "", agent=agent, hostname=hostname, machine_id=machine)
    now = now_of(request)
    found = await coverage(now, wanted, limit=_AGENTS_MAX)
    return CoverageList(agents=found, statements=list(await coverage_statements(now)))


@post("/v1/agents/coverage/{runtime_id:uuid}/accept", guards=[_MANAGE], status_code=200, tags=["Agents"])
async def accept_agent_change(request: AnyRequest, runtime_id: FromPath[UUID]) -> Covered:
    """Take the change of an agent's settings, or the loss of its hooks, as known."""
    return await accept_change(signed_in_of(request).actor, runtime_id, now=now_of(request))


@post("/v1/agents/{agent:str}/activity", guards=[requires_client], status_code=204, tags=["Agents"])
async def tell_of_activity(
    request: AnyRequest, agent: FromPath[str], hostname: FromQuery[Annotated[str, Meta(max_length=255)]] = ""
) -> None:
    """Tell that an agent works, as telemetry, usage or a list of processes shows; without hooks it is silent then.

    A machine tells of itself; whoever is signed in names one of their own by `hostname`.
    """
    known = agent_of(agent)
    if known not in AGENT_NAMES:
        raise AgentUnknownError
    viewer = viewer_of(request)
    await record_activity(viewer.machine_id, viewer.person_id, hostname, known, now_of(request))


handlers = [list_coverage, accept_agent_change, tell_of_activity]
