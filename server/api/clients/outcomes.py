"""What protection did, in the words of apps: calls that were asked about, denied, or carried a secret."""

from datetime import datetime
from typing import Annotated, Final

import msgspec
from litestar import get
from litestar.params import QueryParameter

from appliance.actions.records import Outcome as Decided
from appliance.bootstrap import Appliance
from appliance.clients import rules
from appliance.clients.queries import HISTORY, notable
from appliance.clients.records import Activity, Viewer
from server.api.clients.activity import match_of, resolution_of
from server.api.clients.callers import viewer_of
from server.api.clients.plugins import COMMANDS, POLICIES, SECRETS
from server.api.clients.texts import line
from server.authorization import requires_client
from server.contract import speaks
from server.dashboard.dependencies import AnyRequest, appliance_of, now_of

LIMIT_MAX: Final = 200
Limit = Annotated[int, QueryParameter(ge=1, le=LIMIT_MAX, description="How many at most.")]
_STATUS: Final = {Decided.ALLOW.value: "masked", Decided.DENY.value: "blocked", Decided.ASK.value: "needs_review"}
_RESOLVED: Final = {"allow": "approved", "deny": "rejected"}


class OutcomeSource(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Which protection it was."""

    plugin_id: str
    label: str
    kind: str


class OutcomeAgent(msgspec.Struct, frozen=True, kw_only=True):
    """Whose call it was."""

    kind: str
    name: str
    hostname: str


class OutcomeContext(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where it was."""

    evaluation_id: str
    event_name: str
    tool_name: str
    project_path: str


class Outcome(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One call that protection did something about.

    Attributes:
        domain: `data_protection` where a secret was seen, else `tool_risk`.
        status: `blocked`, `needs_review` or `masked`; an ask that ended is `blocked` or `passed`.
    """

    id: str
    domain: str
    title: str
    summary: str
    severity: str
    status: str
    decision: str
    occurred_at: datetime
    created_at: datetime
    source: OutcomeSource
    agent: OutcomeAgent
    context: OutcomeContext
    evidence: list[str] = []


class OutcomePage(msgspec.Struct, frozen=True):
    """The newest outcomes."""

    outcomes: list[Outcome]


@get("/v1/outcomes", guards=[speaks("authAccountOutcomes"), requires_client], tags=["Apps"])
async def list_outcomes(request: AnyRequest, limit: Limit = 50) -> OutcomePage:
    """What protection did about the caller's agents in the last 31 days, newest first."""
    return OutcomePage(await outcomes_for(appliance_of(request), viewer_of(request), now_of(request), limit))


async def outcomes_for(appliance: Appliance, viewer: Viewer, now: datetime, limit: int) -> list[Outcome]:
    """The viewer's outcomes, newest first."""
    found = await notable(viewer, now - HISTORY, limit=limit)
    return [_outcome(appliance, each) for each in found]


def _outcome(appliance: Appliance, found: Activity) -> Outcome:
    named, resolution = rules.named(found.agent), resolution_of(found.ask_state)
    policies = [match_of(appliance.policies, name) for name in found.policies.split()]
    status = _STATUS[found.outcome] if resolution is None else {"allow": "passed", "deny": "blocked"}[resolution]
    plugin = SECRETS if found.secrets else COMMANDS if found.kind == "shell" else POLICIES
    is_allowed = found.outcome == Decided.ALLOW.value
    return Outcome(
        id=str(found.id),
        domain="data_protection" if found.secrets else "tool_risk",
        title="A secret was masked" if is_allowed or not policies else line(policies[0].title),
        summary=line(found.summary),
        severity="medium" if is_allowed else "high",
        status=status,
        decision=_RESOLVED[resolution] if resolution else found.outcome,
        occurred_at=found.created_at,
        created_at=found.created_at,
        source=OutcomeSource(plugin_id=plugin.id, label=plugin.name, kind="plugin.run"),
        agent=OutcomeAgent(kind=named.kind, name=named.name, hostname=line(found.hostname)),
        context=OutcomeContext(
            evaluation_id=str(found.ask_id or found.id),
            event_name=found.event,
            tool_name=line(found.tool, 100),
            project_path=line(found.project),
        ),
    )


handlers = [list_outcomes]
