"""The first page: what needs attention, and whether everything is in order."""

from collections import Counter
from datetime import timedelta
from typing import NamedTuple

from litestar import get
from litestar.response import Template

from appliance.actions.records import Outcome
from appliance.agents.coverage.queries import coverage_statements
from appliance.agents.queries import machines
from appliance.approvals.queries import count_pending
from appliance.decisions.queries import find_decisions
from appliance.decisions.records import DecisionFilter
from appliance.identity.rules import Permission
from appliance.ledger.queries import count_unsealed, newest_checkpoint
from server.authentication import signed_in_of
from server.authorization import requires_sign_in
from server.dashboard.dependencies import AnyRequest, appliance_of, may, now_of
from server.dashboard.rendering import page

COUNTED = 2_000  # decisions at most; more are told as "more than"
LATEST = 8


class Bar(NamedTuple):
    """One outcome's share of the row: start and width in percent."""

    outcome: str
    number: int
    start: float
    width: float


@get("/", guards=[requires_sign_in], include_in_schema=False)
async def show_overview(request: AnyRequest) -> Template:
    """Each tile that the reader's roles permit."""
    now, signed_in = now_of(request), signed_in_of(request)
    person = None if may(request, Permission.DECISIONS_READ) else signed_in.person_id
    day = DecisionFilter(since=now - timedelta(days=1), person_id=person, limit=COUNTED)
    decisions = await find_decisions(day)
    directories = appliance_of(request).directories
    is_reader = may(request, Permission.LEDGER_READ)
    return page(
        request,
        "overview.html",
        title="Overview",
        pending=await count_pending(now) if may(request, Permission.APPROVALS_READ) else None,
        bars=bars_of(Counter(decision.outcome for decision in decisions)),
        total=len(decisions),
        is_more=len(decisions) == COUNTED,
        latest=decisions[:LATEST],
        is_own=person is not None,
        policies=appliance_of(request).policies,
        checkpoint=await newest_checkpoint() if is_reader else None,
        unsealed=await count_unsealed() if is_reader else 0,
        machines=await machines(limit=200) if may(request, Permission.AGENTS_READ) else None,
        since=now - timedelta(days=1),
        uncovered=await coverage_statements(now) if may(request, Permission.AGENTS_READ) else (),
        warnings=await directories.statements() if may(request, Permission.SETTINGS_READ) else (),
    )


def bars_of(numbers: Counter[str]) -> tuple[Bar, ...]:
    """The row of bars, in the order of outcomes; of no width if there is nothing to draw."""
    total, start, bars = sum(numbers.values()), 0.0, []
    for outcome in Outcome:
        width = 100 * numbers[outcome.value] / total if total else 0.0
        bars.append(Bar(outcome.value, numbers[outcome.value], round(start, 3), round(width, 3)))
        start += width
    return tuple(bars)


handlers = [show_overview]
