"""Whether the service lives and whether it can decide, for monitors and load balancers."""

from contextlib import suppress

import msgspec
from litestar import get

from appliance.database.connection import UNREACHABLE
from appliance.database.errors import DatabaseError
from appliance.identity.rules import Permission, is_permitted
from server.api.openapi import VERSION
from server.authentication import authenticate
from server.contract import speaks
from server.dashboard.dependencies import AnyRequest, appliance_of
from server.http_errors import NotReadyError
from server.readiness import Readiness
from server.warnings import warnings_of

_SPEAKS = speaks("health")


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the service.

    Attributes:
        status: `ok`, or `degraded` while it cannot decide.
        warnings: what does not keep it from deciding but wants somebody's attention; docs name the words.
    """

    ok: bool
    status: str
    version: str
    warnings: list[str]


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was looked at is `ok`."""

    status: str
    checks: dict[str, str]


def _readiness_of(request: AnyRequest) -> Readiness:
    found: Readiness = request.app.state.readiness
    return found


async def _reads_of_agents(request: AnyRequest) -> bool:
    """Whether a session's token came along that may read of agents; nobody's while the database is away."""
    with suppress(*UNREACHABLE, DatabaseError):
        signed_in = await authenticate(request.scope, appliance_of(request))
        return signed_in is not None and is_permitted(signed_in.roles, Permission.AGENTS_READ)
    return False


@get("/health", guards=[_SPEAKS], tags=["Health"], security=[{}])
async def show_health(request: AnyRequest) -> Health:
    """State, version and warnings; 200 as long as the process answers. Those of agents need `agents.read`."""
    checks = await _readiness_of(request).checks()
    is_ok = set(checks.values()) == {"ok"}
    appliance = appliance_of(request)
    of_agents = await _reads_of_agents(request)
    warnings = await warnings_of(appliance.directories, appliance.releases, of_agents=of_agents)
    return Health(ok=True, status="ok" if is_ok else "degraded", version=VERSION, warnings=warnings)


@get("/health/live", tags=["Health"], security=[{}], sync_to_thread=False)
def show_live() -> dict[str, str]:
    """Whether the process answers; looks at nothing else, so that a lost database restarts nobody."""
    return {"status": "alive"}


@get("/health/ready", tags=["Health"], security=[{}])
async def show_ready(request: AnyRequest) -> Ready:
    """Whether calls can be decided: database, policies, writer, listener and sealer; 503 otherwise."""
    checks = await _readiness_of(request).checks()
    wrong = [f"{name} {state}" for name, state in checks.items() if state != "ok"]
    if wrong:
        raise NotReadyError(f"Not ready: {'; '.join(wrong)}")
    return Ready(status="ready", checks=dict(checks))


handlers = [show_health, show_live, show_ready]
