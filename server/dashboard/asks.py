"""Puts together what a page shows of an ask, and who may see and answer it."""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from appliance.actions.records import MatchedPolicy
from appliance.approvals import rules
from appliance.approvals.errors import ApprovalError, AskUnknownError
from appliance.approvals.queries import ask_by_id, pending_asks, recent_asks
from appliance.approvals.records import Answerer, Ask, AskState
from appliance.decisions.queries import decision_by_id
from appliance.decisions.records import StoredDecision
from appliance.identity.records import SessionKind, SignedIn
from appliance.identity.rules import Permission
from appliance.ledger.errors import EntryUnknownError
from appliance.ledger.queries import entry_detail
from appliance.policy.compilation import CompiledPolicies
from appliance.policy.errors import PolicyError
from appliance.policy.queries import version_of
from appliance.policy.store import PolicyStore
from appliance.policy.validation import compile_policies
from server.authentication import signed_in_of
from server.dashboard.dependencies import AnyRequest, answerer_of, appliance_of, may, now_of
from server.dashboard.payload import LIST_CHARACTERS, Shown, content_of, shown

PAGE = 20
RECENT = 30


class AskView(NamedTuple):
    """An ask with everything that its approver should know.

    Attributes:
        decision: the decision that asked; None if it was deleted.
        why_not: why the reader cannot answer it; empty if that is possible.
        number: what the reader, whose agent asks, tells whoever answers; empty for everybody else.
    """

    ask: Ask
    decision: StoredDecision | None
    policies: tuple[MatchedPolicy, ...]
    content: Shown
    reason: str
    is_open: bool
    why_not: str
    number: str


async def ask_view(request: AnyRequest, ask: Ask, characters: int) -> AskView:
    """The ask, with at most so many characters of its payload."""
    decision = await decision_by_id(ask.decision_id)
    content = await _content(ask.decision_id)
    names = decision.policies.split() if decision else ()
    return AskView(
        ask=ask,
        decision=decision,
        policies=await matched_policies(appliance_of(request).policies, names, ask.policy_version),
        content=shown(content, characters, ask.agent, decision.event if decision else ""),
        reason=str(content.get("reason", "")),
        is_open=ask.state is AskState.PENDING and ask.expires_at > now_of(request),
        why_not=_why_not(request, ask),
        number=number_for(request, ask),
    )


async def pending_views(request: AnyRequest, after: UUID | None = None) -> tuple[list[AskView], UUID | None]:
    """A page of what waits and may be seen by the reader, oldest first, and the last id if there is more."""
    found = await pending_asks(now_of(request), limit=PAGE + 1, after=after, requester=_whose(request))
    views = [await ask_view(request, ask, LIST_CHARACTERS) for ask in found[:PAGE]]
    return views, found[PAGE - 1].id if len(found) > PAGE else None


async def recent(request: AnyRequest) -> list[Ask]:
    """The last asks that have ended and may be seen by the reader, newest first."""
    return await recent_asks(limit=RECENT, requester=_whose(request))


def _whose(request: AnyRequest) -> Answerer | None:
    """Whose asks the reader may see: None for everybody's."""
    return None if may(request, Permission.APPROVALS_READ) else answerer_of(signed_in_of(request))


def may_see(request: AnyRequest, ask: Ask) -> bool:
    """Whether the reader may see every ask, or this one concerns the reader."""
    return may(request, Permission.APPROVALS_READ) or concerns(request, ask)


async def seen_ask(request: AnyRequest, ask_id: UUID) -> Ask:
    """The ask; raises AskUnknownError also for one that the reader must not see."""
    ask = await ask_by_id(ask_id)
    if not may_see(request, ask):
        raise AskUnknownError
    return ask


def concerns(request: AnyRequest, ask: Ask) -> bool:
    """Whether the reader's own agent asks, or the ask names a group of theirs or a role they have for its project."""
    answerer = answerer_of(signed_in_of(request))
    return rules.is_requester(ask, answerer) or rules.is_named(ask, answerer)


async def may_see_decision(request: AnyRequest, decision: StoredDecision) -> bool:
    """Whether the reader may see every decision, or this is about their own agent or an ask that they see."""
    if may(request, Permission.DECISIONS_READ) or decision.person_id == signed_in_of(request).person_id:
        return True
    return decision.ask_id is not None and may_see(request, await ask_by_id(decision.ask_id))


def reader_of(request: AnyRequest) -> Answerer | None:
    """Whose decisions the list is for, as `may_see_decision` has it of each; None for everybody's."""
    return None if may(request, Permission.DECISIONS_READ) else answerer_of(signed_in_of(request))


async def matched_policies(store: PolicyStore, names: Iterable[str], version: int) -> tuple[MatchedPolicy, ...]:
    """The policies of a decision with title and reason, of the version that decided."""
    compiled = store.compiled
    if compiled is None or compiled.version != version:
        compiled = await _older(version)
    known = {} if compiled is None else compiled.by_id
    return tuple(
        known[name].match if name in known else MatchedPolicy(id=name, title=name, effect="") for name in names
    )


async def _older(version: int) -> CompiledPolicies | None:
    try:
        return _compiled_text((await version_of(version)).text, version)
    except PolicyError:
        return None  # an old version that this release cannot read any more: its names must do


_compiled_text = lru_cache(maxsize=8)(compile_policies)


async def _content(decision_id: UUID) -> dict[str, object]:
    try:
        return dict(content_of(await entry_detail(decision_id)))
    except EntryUnknownError:
        return {}


def number_for(request: AnyRequest, ask: Ask) -> str:
    """The number of an ask for its requester's eyes; empty for everybody else, and for whatever runs without a person.

    The agent that asks may hold its machine's token, or a script's, and could bring the number to whoever answers.
    """
    user = request.scope.get("user")
    is_person = isinstance(user, SignedIn) and user.kind is not SessionKind.SCRIPT
    if not ask.terms.match_number or not is_person or not rules.is_requester(ask, answerer_of(user)):
        return ""
    return appliance_of(request).approvals.number_of(ask.id)


def _why_not(request: AnyRequest, ask: Ask) -> str:
    if not may(request, Permission.APPROVALS_ANSWER) and not concerns(request, ask):
        return "Your roles do not permit answering."
    try:
        rules.check_answerer(ask, answerer_of(signed_in_of(request)))
    except ApprovalError as problem:
        return f"{problem.detail}."
    return ""
