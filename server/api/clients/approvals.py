"""What waits for a person, as apps read it, and the events by which they notify."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from appliance.approvals.interactions import APPROVAL, AttentionKind
from appliance.approvals.records import Ask
from appliance.clients import rules
from appliance.clients.queries import activity_of, ended_asks, shown_asks
from appliance.clients.records import Activity, Viewer
from appliance.ledger.queries import payloads_of
from server.api.clients.activity import TriggeredPolicy, resolution_of, triggered
from server.api.clients.interactions import Interaction, shown
from server.api.clients.quotes import quoted
from server.api.clients.texts import last_part, line
from server.dashboard.asks import number_for
from server.dashboard.dependencies import AnyRequest, appliance_of, now_of
from server.dashboard.payload import arguments_of

SCHEMA: Final = "2026-07-19.v1"
RESOLVED_SHOWN: Final = timedelta(minutes=10)
_ENDED_MAX: Final = 30
# Whoever floods us with long asks must not make each look of each phone long: what is beyond is on the page.
_PAYLOAD_BYTES_MAX: Final = 16_384
_PAYLOADS_MAX: Final = 100
_TITLES: Final = {
    AttentionKind.APPROVAL.value: "Allow {}?",
    AttentionKind.QUESTION.value: "{} asks",
    AttentionKind.PLAN_REVIEW.value: "{} has a plan",
}
_ELSEWHERE: Final = "Somebody else must answer this."
_PROOF: Final = "To allow it, prove who you are at {}"
_NUMBER: Final = "To allow it, type the number that the requester sees at {}"
_TELL: Final = "Tell the number {} to whoever answers."
_WORDS: Final = {"allow": "allowed", "deny": "denied", None: "closed"}


class ContextTurn(msgspec.Struct, frozen=True):
    """What was said before."""

    role: str
    content: str


class PendingApproval(msgspec.Struct, frozen=True, kw_only=True):
    """An ask that waits.

    Attributes:
        id: the ask's, a UUID: it stands in a path as it is.
        purpose_summary: why policy asks, and what to know before answering.
        quote: the arguments where the summary does not show all of them; left out where it does.
        can_answer: whether this caller's answer would be taken; published apps do not read it.
    """

    id: str
    decision_id: str
    summary: str
    agent_name: str
    agent_kind: str
    hostname: str
    user_name: str
    event_name: str
    tool_name: str
    project_name: str
    project_path: str
    primary_policy: str | UnsetType
    purpose_summary: str
    quote: str | UnsetType
    triggered_policies: list[TriggeredPolicy]
    recent_context: list[ContextTurn]
    attention_kind: str
    interaction: Interaction
    created_at: datetime
    expires_at: datetime
    can_answer: bool


class EventAgent(msgspec.Struct, frozen=True, kw_only=True):
    """Whose event it is."""

    kind: str
    name: str
    hostname: str


class EventSession(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The conversation that it belongs to."""

    id: str
    project_path: str


class AttentionEvent(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What an app notifies by: if there is any, it notifies by nothing else, so each ask that waits has one."""

    schema_version: str
    id: str
    decision_id: str
    kind: str
    state: str
    title: str
    body: str
    created_at: datetime
    agent: EventAgent
    session: EventSession
    interaction: Interaction


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """What waits for the viewer, and the events of that and of what has just ended."""

    approvals: list[PendingApproval]
    events: list[AttentionEvent]


async def waiting_for(request: AnyRequest, viewer: Viewer) -> Waiting:
    """Everything that waits and concerns the viewer, each with its event; and what ended in the last ten minutes."""
    now = now_of(request)
    asks = await shown_asks(viewer, now)
    decisions = await activity_of(asks)
    payloads = await payloads_of(list(decisions)[:_PAYLOADS_MAX], bytes_max=_PAYLOAD_BYTES_MAX)
    approvals = [
        _approval(request, viewer, ask, decisions.get(ask.decision_id), payloads.get(ask.decision_id)) for ask in asks
    ]
    ended = [ask for ask in await ended_asks(viewer, limit=_ENDED_MAX) if _is_recent(ask, now)]
    events = [_waiting_event(each, decisions.get(UUID(each.decision_id))) for each in approvals]
    return Waiting(approvals=approvals, events=events + [_ended_event(ask) for ask in ended])


def _is_recent(ask: Ask, now: datetime) -> bool:
    return ask.resolved_at is not None and now - ask.resolved_at <= RESOLVED_SHOWN


def _approval(
    request: AnyRequest, viewer: Viewer, ask: Ask, decision: Activity | None, payload: Mapping[str, Any] | None
) -> PendingApproval:
    named = rules.named(ask.agent)
    policies = triggered(appliance_of(request).policies, decision) if decision else []
    can_answer = rules.may_answer(viewer, ask)
    page = f"{appliance_of(request).config.public_origin}/approvals/{ask.id}"
    return PendingApproval(
        id=str(ask.id),
        decision_id=str(ask.decision_id),
        summary=line(ask.summary),
        agent_name=named.name,
        agent_kind=named.kind,
        hostname=line(decision.hostname) if decision else "",
        user_name=line(decision.person_name) if decision else "",
        event_name=decision.event if decision else "",
        tool_name=line(decision.tool, 100) if decision else "",
        project_name=last_part(line(ask.project)),
        project_path=line(ask.project),
        primary_policy=policies[0].policy_name if policies else UNSET,
        purpose_summary=_purpose(request, viewer, ask, decision, page),
        quote=_quote(ask, decision.event if decision else "", payload, page),
        triggered_policies=policies,
        recent_context=[],
        attention_kind=ask.attention_kind.value,
        interaction=shown(ask.interaction),
        created_at=ask.created_at,
        expires_at=ask.expires_at,
        can_answer=can_answer,
    )


def _purpose(request: AnyRequest, viewer: Viewer, ask: Ask, decision: Activity | None, page: str) -> str:
    """Why policy asks, what keeps this viewer from answering in an app, and for the requester the ask's number."""
    why = line(decision.reason, 500) if decision else ""
    if viewer.answerer is None:
        return f"{why} Answer it on your phone, or at {page}".strip()
    if number := number_for(request, ask):
        return f"{_TELL.format(number)} {_ELSEWHERE} {why}".strip()
    if not rules.may_answer(viewer, ask):
        return f"{_ELSEWHERE} {why}".strip()
    wanted = _NUMBER if ask.terms.match_number else _PROOF if ask.terms.step_up else ""
    return f"{why} {wanted.format(page)}".strip() if wanted else why


def _quote(ask: Ask, event: str, payload: Mapping[str, Any] | None, page: str) -> str | UnsetType:
    """The arguments as the approver must know them; what does not fit is said, with the place that shows it."""
    action = payload.get("action") if payload else None
    if not isinstance(action, dict):
        return f"The whole action is at {page}"
    arguments = arguments_of(action, ask.agent, event)
    return UNSET if list(arguments.values()) == [ask.summary] else quoted(arguments, page)


def _waiting_event(approval: PendingApproval, decision: Activity | None) -> AttentionEvent:
    return AttentionEvent(
        schema_version=SCHEMA,
        id=f"pending:{approval.id}",
        decision_id=approval.id,
        kind=approval.attention_kind,
        state="waiting",
        title=_TITLES[approval.attention_kind].format(approval.agent_name),
        body=approval.summary,
        created_at=approval.created_at,
        agent=EventAgent(kind=approval.agent_kind, name=approval.agent_name, hostname=approval.hostname),
        session=EventSession(id=line(decision.session) if decision else "", project_path=approval.project_path),
        interaction=approval.interaction,
    )


def _ended_event(ask: Ask) -> AttentionEvent:
    named = rules.named(ask.agent)
    by = f" by {line(ask.resolved_by)}" if ask.resolved_by else ""
    return AttentionEvent(
        schema_version=SCHEMA,
        id=f"resolved:{ask.id}",
        decision_id=str(ask.id),
        kind=ask.attention_kind.value,
        state="resolved",
        title=f"{named.name} was {_WORDS[resolution_of(ask.state.value)]}{by}",
        body=line(ask.summary),
        created_at=ask.resolved_at or ask.created_at,
        agent=EventAgent(kind=named.kind, name=named.name, hostname=""),
        session=EventSession(id="", project_path=line(ask.project)),
        interaction=shown(APPROVAL),  # nothing is left to answer
    )
