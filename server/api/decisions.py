"""Decisions, for scripts: search with a cursor, and one with what led to it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import get
from litestar.params import FromPath, FromQuery

from appliance.decisions.queries import decision_by_id, find_decisions
from appliance.decisions.records import DecisionFilter, StoredDecision
from appliance.identity.rules import Permission
from appliance.ledger.queries import entry_detail
from server.api.records import PAGE, Limit
from server.authorization import requires
from server.dashboard.asks import may_see_decision, reader_of
from server.dashboard.dependencies import AnyRequest, may
from server.dashboard.payload import content_of
from server.http_errors import NotFoundError

_READ = requires(Permission.DECISIONS_READ_OWN)  # everybody who may read all may read their own, too
_TEXT_MAX = 200


class DecisionPage(msgspec.Struct, frozen=True, kw_only=True):
    """Decisions, newest first; `next` is `before` of the following page."""

    decisions: list[StoredDecision]
    next: UUID | None


class DecisionDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A decision with its masked content: the agent's action, facts, and findings; empty if it was deleted."""

    decision: StoredDecision
    content: Mapping[str, Any]


@get("/v1/decisions", guards=[_READ], tags=["Decisions"])
async def search_decisions(  # noqa: PLR0913, PLR0917 - each is a parameter of the query
    request: AnyRequest,
    text: FromQuery[str] = "",
    outcome: FromQuery[str] = "",
    agent: FromQuery[str] = "",
    machine: FromQuery[UUID | None] = None,
    policy: FromQuery[str] = "",
    since: FromQuery[datetime | None] = None,
    until: FromQuery[datetime | None] = None,
    before: FromQuery[UUID | None] = None,
    limit: Limit = PAGE,
) -> DecisionPage:
    """Decisions that match; without the permission to read all, your own and those of asks that name you."""
    wanted = DecisionFilter(
        text=_short(text), outcome=_short(outcome), agent=_short(agent), machine_id=machine, policy=_short(policy),
        reader=reader_of(request), reads_asks=may(request, Permission.APPROVALS_READ), since=since,
        until=until, before=before, limit=limit + 1,
    )  # fmt: skip
    found = await find_decisions(wanted)
    return DecisionPage(decisions=found[:limit], next=found[limit - 1].id if len(found) > limit else None)


@get("/v1/decisions/{decision_id:uuid}", guards=[_READ], tags=["Decisions"])
async def read_decision(request: AnyRequest, decision_id: FromPath[UUID]) -> DecisionDetail:
    """One decision."""
    decision = await decision_by_id(decision_id)
    if decision is None or not await may_see_decision(request, decision):
        raise NotFoundError("There is no such decision")
    return DecisionDetail(decision=decision, content=content_of(await entry_detail(decision_id)))


def _short(text: str) -> str:
    return text[:_TEXT_MAX].replace("\0", "")


handlers = [search_decisions, read_decision]
