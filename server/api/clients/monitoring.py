"""Which agents and conversations are watched: all of them, because the organisation manages that."""

from typing import Final

import msgspec
from litestar import delete, post
from litestar.params import FromPath, JSONBody

from appliance.clients import rules
from appliance.clients.errors import ModelKeyNotKeptError, MonitoringManagedError
from server.api.clients.callers import viewer_of
from server.authorization import requires_client
from server.contract import speaks
from server.dashboard.dependencies import AnyRequest

_SESSIONS: Final = speaks("sessionMonitoring")


class MonitoringBody(msgspec.Struct, frozen=True):
    """Whether an agent shall be watched."""

    monitored: bool


class Monitoring(msgspec.Struct, frozen=True, kw_only=True):
    """That the agent is watched."""

    ok: bool
    kind: str
    monitored: bool


@post(
    "/v1/agents/{kind:str}/monitoring",
    guards=[speaks("agentMonitoring"), requires_client],
    status_code=200,
    tags=["Apps"],
    sync_to_thread=False,
)
def set_monitoring(request: AnyRequest, kind: FromPath[str], data: JSONBody[MonitoringBody]) -> Monitoring:
    """Switching on is done already; switching off is refused."""
    viewer_of(request)
    if not data.monitored:
        raise MonitoringManagedError
    return Monitoring(ok=True, kind=rules.named(rules.agent_of_kind(kind)).kind, monitored=True)


@post("/v1/session-monitoring", guards=[_SESSIONS, requires_client], tags=["Apps"], sync_to_thread=False)
def pause_sessions(request: AnyRequest) -> None:
    """Refused: no conversation goes unwatched."""
    viewer_of(request)
    raise MonitoringManagedError


@delete(
    "/v1/session-monitoring", guards=[_SESSIONS, requires_client], status_code=200, tags=["Apps"], sync_to_thread=False
)
def resume_sessions(request: AnyRequest) -> None:
    """Refused like the pause, which there never was."""
    viewer_of(request)
    raise MonitoringManagedError


@post("/v1/mobile/model-key", guards=[speaks("mobileModelKey"), requires_client], tags=["Apps"], sync_to_thread=False)
def keep_model_key(request: AnyRequest) -> None:
    """Refused: nothing here calls a model. The key is not even read, so it cannot leak."""
    viewer_of(request)
    raise ModelKeyNotKeptError


handlers = [set_monitoring, pause_sessions, resume_sessions, keep_model_key]
