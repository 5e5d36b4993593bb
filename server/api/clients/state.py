"""Everything that a phone shows, in one answer: it asks for it every 15 seconds, and whenever the stream says so."""

from datetime import datetime, timedelta
from typing import Final

import msgspec
from litestar import get

from appliance.clients.queries import HISTORY, activity, agent_sessions, runtimes_for
from appliance.clients.records import Viewer
from server.api.clients.activity import ActivityItem, items_of
from server.api.clients.agents import AgentView, SessionMetrics, agents_of, metrics_of
from server.api.clients.approvals import AttentionEvent, PendingApproval, waiting_for
from server.api.clients.callers import person_of, viewer_of
from server.api.clients.outcomes import Outcome, outcomes_for
from server.api.clients.plugins import Plugin, plugins_of
from server.api.organization import Organization, organization_of
from server.authorization import requires_client
from server.contract import speaks
from server.dashboard.dependencies import AnyRequest, appliance_of, now_of

# Apps ask for the second page of the history with this length, so the first one must have it, too.
FIRST_PAGE: Final = 10
_DAY: Final = timedelta(days=1)
_OUTCOMES: Final = 50
_EVENTS: Final = 100


class StateUser(msgspec.Struct, frozen=True, kw_only=True):
    """Whose state it is; for a machine only its name."""

    id: str
    name: str
    display_name: str
    email: str


class HistoryPagination(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How the history goes on."""

    page: int
    limit: int
    has_more: bool


class ClientConfig(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the installation tells apps of itself."""

    managed_by_organization: bool = True
    approval_notifications: bool = True


class MonitoringPause(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A conversation that is not watched; there never is one here."""

    agent_kind: str
    session_ids: list[str]
    expires_at: datetime


class MobileState(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The whole state; a member of the wrong type would break the app's screen, so each is typed."""

    server_time: datetime
    user: StateUser
    organization: Organization
    client_config: ClientConfig
    pending_approvals: list[PendingApproval]
    attention_events: list[AttentionEvent]
    agents: list[AgentView]
    recent_activity: list[ActivityItem]
    history_pagination: HistoryPagination
    session_metrics: SessionMetrics
    session_monitoring_pauses: list[MonitoringPause]
    plugins: list[Plugin]
    outcomes: list[Outcome]


@get("/v1/mobile/state", guards=[speaks("mobileState"), requires_client], tags=["Apps"])
async def show_state(request: AnyRequest) -> MobileState:
    """What waits, what happened, and the agents of whoever asks; for a machine what it has done itself."""
    viewer, now, appliance = viewer_of(request), now_of(request), appliance_of(request)
    waiting = await waiting_for(request, viewer)
    found = await activity(viewer, now - HISTORY, limit=_EVENTS)
    items = items_of(appliance.policies, found)
    sessions = await agent_sessions(viewer, now - _DAY)
    return MobileState(
        server_time=now,
        user=user_of(request, viewer),
        organization=organization_of(appliance),
        client_config=ClientConfig(),
        pending_approvals=waiting.approvals,
        attention_events=waiting.events,
        agents=agents_of(await runtimes_for(viewer), sessions, items),
        recent_activity=items[:FIRST_PAGE],
        history_pagination=HistoryPagination(page=1, limit=FIRST_PAGE, has_more=len(items) > FIRST_PAGE),
        session_metrics=metrics_of(await appliance.session_spans.of(viewer, now)),
        session_monitoring_pauses=[],
        plugins=plugins_of(appliance),
        outcomes=await outcomes_for(appliance, viewer, now, _OUTCOMES),
    )


def user_of(request: AnyRequest, viewer: Viewer) -> StateUser:
    """Who is signed in; a machine is nobody, whatever address it enrolled with."""
    person = person_of(request)
    if person is None:
        return StateUser(id=str(viewer.machine_id), name="This computer", display_name="This computer", email="")
    name = person.display_name
    return StateUser(id=str(person.person_id), name=name, display_name=name, email=person.email)


handlers = [show_state]
