"""Coverage: what really arrives from the agents of each machine, and what to do where nothing does."""

from collections import Counter
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.status_codes import HTTP_303_SEE_OTHER

from appliance.agents.coverage.queries import coverage, coverage_statements
from appliance.agents.coverage.records import CoverageFilter, CoverageState
from appliance.agents.coverage.service import accept_change
from appliance.agents.names import AGENT_NAMES
from appliance.identity.rules import Permission
from server.authentication import signed_in_of
from server.authorization import requires
from server.dashboard.dependencies import AnyRequest, now_of
from server.dashboard.rendering import page

SHOWN_MAX = 500
FIELDS = ("state", "agent", "hostname")
_READ = requires(Permission.AGENTS_READ)
_MANAGE = requires(Permission.AGENTS_MANAGE)


@get("/agents/coverage", guards=[_READ], include_in_schema=False)
async def show_coverage(request: AnyRequest) -> Template:
    """Agents on machines that match, what needs attention first."""
    asked = {name: request.query_params.get(name, "").strip() for name in FIELDS}
    now = now_of(request)
    wanted = CoverageFilter(state=asked["state"], agent=asked["agent"], hostname=asked["hostname"])
    found = await coverage(now, wanted, limit=SHOWN_MAX + 1)
    return page(
        request,
        "coverage.html",
        title="Coverage",
        found=found[:SHOWN_MAX],
        is_more=len(found) > SHOWN_MAX,
        numbers=Counter(one.state.value for one in found[:SHOWN_MAX]),
        statements=await coverage_statements(now),
        asked=asked,
        states=[state.value for state in CoverageState],
        agents=AGENT_NAMES,
        is_filtered=any(asked.values()),
        done=request.query_params.get("done", ""),
    )


@post("/agents/coverage/{runtime_id:uuid}/accept", guards=[_MANAGE], include_in_schema=False)
async def accept_one_change(request: AnyRequest, runtime_id: FromPath[UUID]) -> Redirect:
    """Take the change of an agent's settings, or the loss of its hooks, as known."""
    await accept_change(signed_in_of(request).actor, runtime_id, now=now_of(request))
    return Redirect("/agents/coverage?done=accepted", status_code=HTTP_303_SEE_OTHER)


handlers = [show_coverage, accept_one_change]
