"""What a desktop asks for every three seconds: what waits, and what happened a moment ago."""

from datetime import datetime, timedelta
from typing import Final

import msgspec
from litestar import get

from appliance.clients.queries import activity
from server.api.clients.activity import ActivityItem, items_of
from server.api.clients.approvals import AttentionEvent, PendingApproval, waiting_for
from server.api.clients.callers import viewer_of
from server.authorization import requires_client
from server.contract import speaks
from server.dashboard.dependencies import AnyRequest, appliance_of, now_of

RECENT: Final = timedelta(hours=24)
_LIMIT: Final = 20


class IslandContribution(msgspec.Struct, frozen=True):
    """What a plug-in would show in a desktop's menu bar; none of ours does."""

    id: str


class Notifications(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What to notify of; `blockedEvents` are the denies among `recentActivity`."""

    server_time: datetime
    pending_approvals: list[PendingApproval]
    attention_events: list[AttentionEvent]
    recent_activity: list[ActivityItem]
    blocked_events: list[ActivityItem]
    island_contributions: list[IslandContribution]


@get("/v1/client/notifications", guards=[speaks("clientNotifications"), requires_client], tags=["Apps"])
async def show_notifications(request: AnyRequest) -> Notifications:
    """What waits for the caller, and the last calls of their agents."""
    viewer, now = viewer_of(request), now_of(request)
    waiting = await waiting_for(request, viewer)
    found = await activity(viewer, now - RECENT, limit=_LIMIT)
    items = items_of(appliance_of(request).policies, found)
    return Notifications(
        server_time=now,
        pending_approvals=waiting.approvals,
        attention_events=waiting.events,
        recent_activity=items,
        blocked_events=[item for item in items if item.decision == "deny"],
        island_contributions=[],
    )


handlers = [show_notifications]
