"""Asks whose policy wants a proof of whoever allows them."""

import msgspec
import pytest

from appliance.actions.records import AskTerms
from appliance.approvals.errors import ProofMissingError
from appliance.approvals.queries import ask_by_id
from appliance.approvals.records import AskState
from appliance.approvals.service import Approvals
from appliance.policy.annotations import annotation_problems, ask_terms, strictest
from tests.support.asks import KEY, allow, approver, deny, events_of, opened
from tests.support.postgres import TestDatabase

TERMS = AskTerms(roles=("approver",), step_up=True)


def _approvals() -> Approvals:
    return Approvals(KEY, mask=str)


async def test_nobody_allows_without_a_proof(committed_database: TestDatabase) -> None:
    """The refusal is recorded and nothing is counted; with the proof the same person's allow counts."""
    approvals, bob = _approvals(), approver()
    ask = await opened(approvals, TERMS)
    with pytest.raises(ProofMissingError):
        await allow(approvals, ask, bob)
    assert (await ask_by_id(ask.id)).state is AskState.PENDING
    assert await events_of(ask) == ["opened", "refused:answer_proof_missing"]
    proven = msgspec.structs.replace(bob, is_proven=True)
    assert (await allow(approvals, ask, proven)).ask.state is AskState.ALLOWED


async def test_a_repeat_needs_no_second_proof(committed_database: TestDatabase) -> None:
    """Whoever sends the same answer again, because the first reply was lost, gets it again."""
    approvals, bob = _approvals(), approver()
    ask = await opened(approvals, TERMS)
    await allow(approvals, ask, msgspec.structs.replace(bob, is_proven=True))
    assert (await allow(approvals, ask, bob)).is_repeat


async def test_a_deny_needs_no_proof(committed_database: TestDatabase) -> None:
    """Whoever is in doubt must be able to say no at once."""
    approvals = _approvals()
    ask = await opened(approvals, TERMS)
    assert (await deny(approvals, ask, approver())).ask.state is AskState.DENIED


async def test_other_asks_need_no_proof(committed_database: TestDatabase) -> None:
    """As before."""
    approvals = _approvals()
    ask = await opened(approvals, AskTerms(roles=("approver",)))
    assert (await allow(approvals, ask, approver())).ask.state is AskState.ALLOWED


def test_a_policy_asks_for_a_proof_by_its_annotation() -> None:
    """It takes no value, means nothing without @ask, and of several asks one that wants it is enough."""
    assert annotation_problems({"id": "x", "ask": None, "step_up": None}, "forbid") == []
    assert "takes no value" in annotation_problems({"id": "x", "ask": None, "step_up": "no"}, "forbid")[0]
    assert "without @ask" in annotation_problems({"id": "x", "step_up": None}, "forbid")[0]
    wanting, plain = ask_terms({"ask": None, "step_up": None}), ask_terms({"ask": None})
    assert wanting
    assert plain
    assert (wanting.step_up, plain.step_up) == (True, False)
    together = strictest([plain, wanting])
    assert together
    assert together.step_up
