"""A decision as apps read it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from appliance.actions.records import MatchedPolicy, Outcome
from appliance.approvals.records import AskState
from appliance.clients import rules
from appliance.clients.records import Activity
from appliance.policy.store import PolicyStore
from server.api.clients.texts import line, tool_input

_RESOLUTIONS: Final = {
    AskState.ALLOWED.value: "allow", AskState.RELEASED.value: "allow",
    AskState.DENIED.value: "deny", AskState.EXPIRED.value: "deny",
}  # fmt: skip


class TriggeredPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A policy that denied or asked.

    Attributes:
        status: `failed` for a deny, `needs_question` for an ask.
    """

    policy_name: str
    explanation: str
    status: str
    severity: str = "high"
    evidence: list[str] = []


class ToolCall(msgspec.Struct, frozen=True, kw_only=True):
    """A tool with what apps look for in its input."""

    name: str
    input: dict[str, str]


class Payload(msgspec.Struct, frozen=True):
    """As much of the call as lists show."""

    tool: ToolCall


class ActivityItem(msgspec.Struct, frozen=True, kw_only=True):
    """A decision; `id` is its ask's if it has one.

    Attributes:
        decision: `allow`, `deny` or `ask`.
        resolution: `allow` or `deny`, for an ask that has ended.
    """

    id: str
    decision_id: str
    summary: str
    decision: str
    resolution: str | None
    resolution_guidance: str | None
    resolved_at: datetime | None
    event_name: str
    tool_name: str
    agent_name: str
    agent_kind: str
    hostname: str
    user_name: str
    session_id: str
    project_path: str
    created_at: datetime
    triggered_policies: list[TriggeredPolicy]
    payload: Payload


def items_of(store: PolicyStore, found: Sequence[Activity]) -> list[ActivityItem]:
    """Each decision as apps read it, in the same order."""
    return [_item(each, triggered(store, each)) for each in found]


def triggered(store: PolicyStore, found: Activity) -> list[TriggeredPolicy]:
    """The policies that stood against the action; none where it was allowed.

    Titles and sentences are those of the version that decides now: lists are fetched too often to look for older ones.
    """
    if found.outcome == Outcome.ALLOW.value:
        return []
    status = "needs_question" if found.outcome == Outcome.ASK.value else "failed"
    return [_policy(match_of(store, name), status) for name in found.policies.split()]


def match_of(store: PolicyStore, name: str) -> MatchedPolicy:
    """The policy of that name, as far as the version that decides now has it."""
    known = store.compiled.by_id.get(name) if store.compiled else None
    return known.match if known else MatchedPolicy(id=name, title=name, effect="")


def resolution_of(state: str) -> str | None:
    """How an ask in that state ended, in the words of apps."""
    return _RESOLUTIONS.get(state)


def _policy(policy: MatchedPolicy, status: str) -> TriggeredPolicy:
    return TriggeredPolicy(policy_name=line(policy.title), explanation=line(policy.why), status=status)


def _item(found: Activity, policies: list[TriggeredPolicy]) -> ActivityItem:
    named, summary = rules.named(found.agent), line(found.summary)
    tool = line(found.tool, 100)
    return ActivityItem(
        id=str(found.ask_id or found.id),
        decision_id=str(found.id),
        summary=summary,
        decision=found.outcome,
        resolution=resolution_of(found.ask_state),
        resolution_guidance=line(found.guidance, 500) or None,
        resolved_at=found.resolved_at,
        event_name=found.event,
        tool_name=tool,
        agent_name=named.name,
        agent_kind=named.kind,
        hostname=line(found.hostname),
        user_name=line(found.person_name),
        session_id=line(found.session),
        project_path=line(found.project),
        created_at=found.created_at,
        triggered_policies=policies,
        payload=Payload(ToolCall(name=tool, input=tool_input(found.kind, tool, summary))),
    )
