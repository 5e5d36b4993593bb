"""The history of decisions, page by page."""

from typing import Annotated, Final

import msgspec
from litestar import get
from litestar.params import QueryParameter

from appliance.clients.queries import HISTORY, activity
from appliance.clients.rules import agent_of_kind
from server.api.clients.activity import ActivityItem, items_of
from server.api.clients.callers import viewer_of
from server.api.clients.state import FIRST_PAGE, HistoryPagination
from server.authorization import requires_client
from server.contract import speaks
from server.dashboard.dependencies import AnyRequest, appliance_of, now_of

_PAGE_MAX: Final = 1_000
_LIMIT_MAX: Final = 100
Page = Annotated[int, QueryParameter(ge=1, le=_PAGE_MAX, description="Counts from 1.")]
PageLength = Annotated[int, QueryParameter(ge=1, le=_LIMIT_MAX, description="Decisions of one page.")]
AgentKind = Annotated[str, QueryParameter(name="agentKind", description="Only of this agent, as clients call it.")]


class HistoryPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of decisions, newest first."""

    history: list[ActivityItem]
    pagination: HistoryPagination


@get("/v1/client/history", guards=[speaks("mobileState"), requires_client], tags=["Apps"])
async def show_history(
    request: AnyRequest, page: Page = 1, limit: PageLength = FIRST_PAGE, agent_kind: AgentKind = ""
) -> HistoryPage:
    """Decisions about the caller's agents, and those that they have answered, of the last 31 days."""
    since, agent = now_of(request) - HISTORY, agent_of_kind(agent_kind)
    found = await activity(viewer_of(request), since, agent=agent, offset=(page - 1) * limit, limit=limit + 1)
    return HistoryPage(
        history=items_of(appliance_of(request).policies, found[:limit]),
        pagination=HistoryPagination(page=page, limit=limit, has_more=len(found) > limit),
    )


handlers = [show_history]
