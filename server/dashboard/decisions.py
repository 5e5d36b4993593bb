"""Decisions: search, one decision with everything that led to it, and its proof in the ledger."""

from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Template

from appliance.actions.records import Outcome
from appliance.agents.queries import machines
from appliance.approvals.queries import ask_by_id
from appliance.decisions.queries import decision_by_id, find_decisions
from appliance.decisions.records import DecisionFilter, StoredDecision
from appliance.identity.rules import Permission
from appliance.ledger.queries import entry_detail
from server.authorization import requires
from server.dashboard.asks import matched_policies, may_see_decision, reader_of
from server.dashboard.dependencies import AnyRequest, appliance_of, may, uuid_or_none
from server.dashboard.payload import PAGE_CHARACTERS, content_of, plain_text, shown
from server.dashboard.rendering import PAGE_HEADERS, page

PAGE = 50
FIELDS = ("text", "outcome", "agent", "machine", "policy", "since", "until")
_READ = requires(Permission.DECISIONS_READ_OWN)  # everybody who may read all may read their own, too


@get("/decisions", guards=[_READ], include_in_schema=False)
async def list_decisions(request: AnyRequest) -> Template:
    """The newest decisions that match; without the permission to read all, one's own and those of asks for one."""
    asked = {name: request.query_params.get(name, "").strip() for name in FIELDS}
    before = uuid_or_none(request.query_params.get("before", ""))
    found = await find_decisions(filter_of(request, asked, before))
    reader = reader_of(request)
    following = urlencode({**_set(asked), "before": found[PAGE - 1].id}) if len(found) > PAGE else ""
    return page(
        request,
        "decisions.html",
        title="Decisions",
        decisions=found[:PAGE],
        asked=asked,
        is_filtered=bool(_set(asked)),
        is_own=reader is not None,
        reads_asks=may(request, Permission.APPROVALS_READ),
        outcomes=[outcome.value for outcome in Outcome],
        machines=await machines(limit=200, person_id=reader.person_id if reader else None),
        following=following,
        is_later_page=before is not None,
    )


@get("/decisions/{decision_id:uuid}", guards=[_READ], include_in_schema=False)
async def show_decision(request: AnyRequest, decision_id: FromPath[UUID]) -> Template:
    """One decision: facts, findings, masked payload, policies, the ask's story, ledger entry and proof."""
    decision = await _seen(request, decision_id)
    detail = await entry_detail(decision_id)
    content = content_of(detail)
    names = decision.policies.split()
    return page(
        request,
        "decision.html",
        title="Decision",
        decision=decision,
        content=shown(content, PAGE_CHARACTERS, decision.agent, decision.event),
        policies=await matched_policies(appliance_of(request).policies, names, decision.policy_version),
        ask=await ask_by_id(decision.ask_id) if decision.ask_id else None,
        detail=detail,
    )


@get("/decisions/{decision_id:uuid}/payload", guards=[_READ], include_in_schema=False)
async def show_decision_payload(request: AnyRequest, decision_id: FromPath[UUID]) -> Response[str]:
    """The whole masked payload as plain text."""
    await _seen(request, decision_id)
    content = content_of(await entry_detail(decision_id))
    return Response(plain_text(content.get("action")), media_type="text/plain", headers=PAGE_HEADERS)


async def _seen(request: AnyRequest, decision_id: UUID) -> StoredDecision:
    decision = await decision_by_id(decision_id)
    if decision is None or not await may_see_decision(request, decision):
        raise NotFoundException("There is no such decision")
    return decision


def filter_of(request: AnyRequest, asked: dict[str, str], before: UUID | None) -> DecisionFilter:
    """What the form asks for; what cannot be read does not narrow. The last day is included."""
    since, until = _day(asked["since"]), _day(asked["until"])
    return DecisionFilter(
        text=asked["text"][:200],
        outcome=asked["outcome"][:20].replace("\0", ""),
        agent=asked["agent"][:100].replace("\0", ""),
        machine_id=uuid_or_none(asked["machine"]),
        reader=reader_of(request),
        reads_asks=may(request, Permission.APPROVALS_READ),
        policy=asked["policy"][:200].replace("\0", ""),
        since=since,
        until=until + timedelta(days=1) if until and until.year < date.max.year else None,
        before=before,
        limit=PAGE + 1,
    )


def _day(text: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        return None


def _set(asked: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in asked.items() if value}


handlers = [list_decisions, show_decision, show_decision_payload]
