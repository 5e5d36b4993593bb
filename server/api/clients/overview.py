"""What a desktop shows first: numbers, protections and what they did."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec
from litestar import get

from appliance.actions.records import Outcome as Decided
from appliance.clients import rules
from appliance.clients.queries import TALLY_DAYS
from appliance.clients.records import Tally
from appliance.policy.store import PolicyStore
from server.api.clients.activity import resolution_of
from server.api.clients.callers import viewer_of
from server.api.clients.outcomes import Outcome, outcomes_for
from server.api.clients.plugins import OrganizationPolicy, Plugin, PluginSettings, plugins_of
from server.api.clients.texts import line
from server.authorization import requires_client
from server.dashboard.dependencies import AnyRequest, appliance_of, now_of

VIEW_MODEL: Final = "2026-06-26.client-view-model.v1"
_OUTCOMES: Final = 80
_SECTIONS: Final = ("overview", "agents", "activity", "approvals", "policies", "settings")


class Totals(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How many calls there were, and what became of them."""

    checked: int
    blocked: int
    automatically_approved: int
    manually_approved: int
    waiting: int


class Threat(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A policy that stood against calls."""

    name: str
    total: int
    blocked: int
    automatically_approved: int
    manually_approved: int


class AgentCount(msgspec.Struct, frozen=True):
    """How many calls an agent made."""

    kind: str
    name: str
    count: int


class ActivitySummary(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The calls of the caller's agents in the last days."""

    range_days: int
    totals: Totals
    threats: list[Threat]
    agent_kinds: list[AgentCount]


class PluginView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A protection with what it did."""

    id: str
    package_id: str
    display_name: str
    description: str
    category: str
    installed: bool
    author: str
    settings: PluginSettings
    organization_policy: OrganizationPolicy
    outcome_count: int


class PluginCategory(msgspec.Struct, frozen=True, kw_only=True):
    """Protections of one kind."""

    id: str
    label: str
    color: str
    icon: str
    count: int
    plugins: list[PluginView]


class ViewSummary(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The outcomes in numbers."""

    total: int
    total_outcomes: int
    high_severity: int
    blocked: int
    needs_review: int
    by_domain: dict[str, int]


class ViewModel(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How a desktop's rooms are filled."""

    version: str
    generated_at: datetime
    shell_sections: list[str]
    plugin_categories: list[PluginCategory]
    outcomes: list[Outcome]
    summary: ViewSummary


class Overview(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The first page of a desktop."""

    view_model: ViewModel
    activity_summary: ActivitySummary
    outcomes: list[Outcome]


@get("/v1/client/overview", guards=[requires_client], tags=["Apps"])
async def show_overview(request: AnyRequest) -> Overview:
    """The last seven days of the caller's agents."""
    viewer, now, appliance = viewer_of(request), now_of(request), appliance_of(request)
    found = await appliance.tallies.of(viewer, now)
    outcomes = await outcomes_for(appliance, viewer, now, _OUTCOMES)
    return Overview(
        view_model=ViewModel(
            version=VIEW_MODEL,
            generated_at=now,
            shell_sections=list(_SECTIONS),
            plugin_categories=[_category(plugins_of(appliance), outcomes)],
            outcomes=outcomes,
            summary=_summary(outcomes),
        ),
        activity_summary=summarised(found, appliance.policies),
        outcomes=outcomes,
    )


def summarised(found: Sequence[Tally], policies: PolicyStore) -> ActivitySummary:
    """Numbers of decisions, by what became of them, by policy and by agent."""
    titles = policies.compiled.by_id if policies.compiled else {}
    by_policy: dict[str, list[Tally]] = {}
    for tally in found:
        if tally.outcome != Decided.ALLOW.value:
            for name in tally.policies.split():
                by_policy.setdefault(name, []).append(tally)
    agents = Counter[str]()
    for tally in found:
        agents[tally.agent] += tally.count
    threats = [
        _threat(titles[name].match.title if name in titles else name, tally_of) for name, tally_of in by_policy.items()
    ]
    return ActivitySummary(
        range_days=TALLY_DAYS,
        totals=_totals(found),
        threats=sorted(threats, key=lambda threat: -threat.total),
        agent_kinds=[AgentCount(*rules.named(agent), count) for agent, count in agents.most_common()],
    )


def _totals(found: Iterable[Tally]) -> Totals:
    numbers = Counter[str]()
    for tally in found:
        numbers[_became(tally)] += tally.count
    return Totals(
        checked=numbers.total(),
        blocked=numbers["blocked"],
        automatically_approved=numbers["automatic"],
        manually_approved=numbers["manual"],
        waiting=numbers["waiting"],
    )


def _became(tally: Tally) -> str:
    if tally.outcome == Decided.ALLOW.value:
        return "automatic"
    if tally.outcome == Decided.DENY.value:
        return "blocked"
    return {"allow": "manual", "deny": "blocked", None: "waiting"}[resolution_of(tally.ask_state)]


def _threat(title: str, found: Iterable[Tally]) -> Threat:
    totals = _totals(found)
    return Threat(
        name=line(title),
        total=totals.checked,
        blocked=totals.blocked,
        automatically_approved=totals.automatically_approved,
        manually_approved=totals.manually_approved,
    )


def _category(plugins: Sequence[Plugin], outcomes: Sequence[Outcome]) -> PluginCategory:
    did = Counter(outcome.source.plugin_id for outcome in outcomes)
    views = [
        PluginView(
            id=plugin.id,
            package_id=plugin.slug,
            display_name=plugin.display_name,
            description=plugin.description,
            category=plugin.category,
            installed=True,
            author=plugin.publisher,
            settings=plugin.settings,
            organization_policy=plugin.organization_policy,
            outcome_count=did[plugin.id],
        )
        for plugin in plugins
    ]
    return PluginCategory(
        id="security", label="Security", color="#0b7968", icon="shield", count=len(views), plugins=views
    )


def _summary(outcomes: Sequence[Outcome]) -> ViewSummary:
    statuses = Counter(outcome.status for outcome in outcomes)
    return ViewSummary(
        total=len(outcomes),
        total_outcomes=len(outcomes),
        high_severity=sum(outcome.severity == "high" for outcome in outcomes),
        blocked=statuses["blocked"],
        needs_review=statuses["needs_review"],
        by_domain=dict(Counter(outcome.domain for outcome in outcomes)),
    )


handlers = [show_overview]
