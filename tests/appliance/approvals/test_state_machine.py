"""Whatever people, agents and the clock do, in whatever order, an ask does what a small model of it says."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.actions.records import AskTerms
from appliance.approvals.errors import ApprovalError
from appliance.approvals.queries import ask_by_id
from appliance.approvals.records import Ask, Resolution
from appliance.approvals.service import Approvals
from tests.support.asks import ACTION_HASH, KEY, approver, events_of, opened, release
from tests.support.decisions import IDA, NOON

EXPIRY_SECONDS = 100
PEOPLE = {
    "bob": approver("Bob"),
    "eve": approver("Eve", "approver", "member"),
    "owen": approver("Owen", "owner"),
    "mia": approver("Mia", "member"),
    "ida": approver("Ida", "approver", "security", person_id=IDA.person_id, email=IDA.email),
}
answers = st.tuples(
    st.just("answer"), st.sampled_from(sorted(PEOPLE)), st.sampled_from(Resolution), st.integers(0, 9).map(bool)
)
steps = st.one_of(
    answers,
    answers,
    st.tuples(st.just("release"), st.integers(0, 4).map(bool)),
    st.tuples(st.just("wait"), st.integers(20, 90)),
    st.tuples(st.just("expire")),
)


@dataclass
class Model:
    """An ask, as simply as it can be said."""

    quorum: int
    allows_self: bool
    state: str = "pending"
    seconds: int = 0
    said: dict[str, Resolution] = field(default_factory=dict)
    counted: set[str] = field(default_factory=set)

    @property
    def is_over(self) -> bool:
        return self.seconds >= EXPIRY_SECONDS

    def wait(self, seconds: int) -> str:
        self.seconds += seconds
        return "ok"

    def expire(self) -> str:
        if self.is_over and self.state in {"pending", "allowed"}:
            self.state = "expired"
        return "ok"

    def answer(self, who: str, resolution: Resolution, is_shown: bool) -> str:  # noqa: FBT001 - a step's part
        if who == "ida" and not self.allows_self:
            return "self_approval_refused"
        if who == "mia":
            return "answerer_not_allowed"
        if not is_shown:
            return "binding_mismatch"
        if self.said.setdefault(who, resolution) is not resolution:
            return "ask_closed"
        if self.state == "pending":
            self._count(who, resolution)
        if self.state == "expired":  # a repeat of what was allowed before it expired is told its answer again
            return "ok" if who in self.counted and len(self.counted) >= self.quorum else "ask_expired"
        fits = {"pending", "denied"} if resolution is Resolution.DENY else {"pending", "allowed", "released"}
        return "ok" if self.state in fits else "ask_closed"

    def _count(self, who: str, resolution: Resolution) -> None:
        if self.is_over:
            self.state = "expired"
        elif resolution is Resolution.DENY:
            self.state = "denied"
        else:
            self.counted.add(who)
            self.state = "allowed" if len(self.counted) >= self.quorum else "pending"

    def release(self, is_same: bool) -> str:  # noqa: FBT001 - a step's part
        if self.state != "allowed":
            return "ask_closed"
        if self.is_over:
            self.state = "expired"
            return "ask_expired"
        if not is_same:
            return "binding_mismatch"
        self.state = "released"
        return "ok"


async def perform(approvals: Approvals, ask: Ask, model: Model, step: tuple[Any, ...]) -> str:
    """Do one step for real; `ok`, or the refusal's code."""
    now = NOON + timedelta(seconds=model.seconds)
    try:
        if step[0] == "answer":
            who, resolution, is_shown = PEOPLE[step[1]], step[2], step[3]
            binding = ask.binding if is_shown else "0" * 64
            await approvals.answer(ask.id, who, resolution, binding=binding, guidance="", now=now)
        elif step[0] == "release":
            await release(approvals, ask, now, ACTION_HASH if step[1] else b"x" * 32)
        elif step[0] == "expire":
            await approvals.expire_due(now)
    except ApprovalError as refusal:
        return refusal.code
    return "ok"


@pytest.mark.usefixtures("committed_database")
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 3), st.booleans(), st.lists(steps, min_size=4, max_size=16))
async def test_an_ask_does_what_its_model_says(quorum: int, allows_self: bool, path: list[tuple[Any, ...]]) -> None:  # noqa: FBT001 - drawn by hypothesis
    """Outcome of each step, state after it, and at the end one ledger entry for each thing that happened."""
    approvals = Approvals(KEY, mask=str)
    ask = await opened(approvals, AskTerms(quorum=quorum, allows_self=allows_self), seconds=EXPIRY_SECONDS)
    model, refused = Model(quorum=quorum, allows_self=allows_self), 0
    for step in path:
        told = await perform(approvals, ask, model, step)
        assert told == getattr(model, step[0])(*step[1:]), (step, path)
        refused += told != "ok"
        current = await ask_by_id(ask.id)
        assert (current.state, current.allows) == (model.state, len(model.counted)), (step, path)
    events = Counter(event.partition(":")[0] for event in await events_of(ask))
    assert events["refused"] + events["release_refused"] == refused
    assert events["allowed"] <= 1
    assert events["released"] == (model.state == "released")
    assert events["denied"] == (model.state == "denied")
    assert events["expired"] == (model.state == "expired")
