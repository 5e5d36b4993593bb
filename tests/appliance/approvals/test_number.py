"""Asks whose policy wants whoever allows to have heard a number from the requester."""

import asyncio

import pytest

from appliance.actions.records import AskTerms
from appliance.approvals.errors import AskClosedError, NumberMissingError, NumberWrongError
from appliance.approvals.queries import ask_by_id
from appliance.approvals.records import Answerer, AnswerResult, Ask, AskState, Resolution
from appliance.approvals.service import Approvals
from appliance.database.connection import read_connection
from appliance.policy.annotations import annotation_problems, ask_terms, strictest
from tests.support.asks import KEY, SOON, allow, approver, codes, deny, events_of, opened
from tests.support.postgres import TestDatabase

TERMS = AskTerms(roles=("approver",), allows_self=False, match_number=True)


@pytest.fixture
def approvals() -> Approvals:
    """Approvals that know the number."""
    return Approvals(KEY, mask=str)


async def typed(approvals: Approvals, ask: Ask, who: Answerer, number: str) -> AnswerResult:
    """Somebody allows, and types a number."""
    return await approvals.answer(
        ask.id, who, Resolution.ALLOW, binding=ask.binding, guidance="", now=SOON, number=number
    )


async def test_the_right_number_allows(committed_database: TestDatabase, approvals: Approvals) -> None:
    """Two digits, the same in every process; a repeat needs them no more."""
    ask, bob = await opened(approvals, TERMS), approver()
    number = Approvals(KEY, mask=str).number_of(ask.id)
    assert len(number) == 2
    assert (await typed(approvals, ask, bob, f" {number} ")).ask.state is AskState.ALLOWED
    assert (await allow(approvals, ask, bob)).is_repeat


async def test_without_a_number_nothing_is_counted(committed_database: TestDatabase, approvals: Approvals) -> None:
    """As apps answer, which cannot type one; the same person can still type it."""
    ask, bob = await opened(approvals, TERMS), approver()
    with pytest.raises(NumberMissingError):
        await allow(approvals, ask, bob)
    assert (await ask_by_id(ask.id)).state is AskState.PENDING
    assert await events_of(ask) == ["opened", "refused:answer_number_missing"]
    assert (await typed(approvals, ask, bob, approvals.number_of(ask.id))).ask.state is AskState.ALLOWED


@pytest.mark.parametrize("wrong", ["0", "999", "12 34", "\u0661\u0662", "\ud800", "x" * 100_000])
async def test_a_wrong_number_denies(committed_database: TestDatabase, approvals: Approvals, wrong: str) -> None:
    """Nobody tries all ninety: the first wrong one ends the ask, for everybody."""
    ask, bob = await opened(approvals, TERMS), approver()
    with pytest.raises(NumberWrongError):
        await typed(approvals, ask, bob, wrong)
    assert (await ask_by_id(ask.id)).state is AskState.DENIED
    assert await events_of(ask) == ["opened", "refused:answer_number_wrong", "answered", "denied"]
    for who in (bob, approver("Cyd")):
        with pytest.raises(AskClosedError):
            await typed(approvals, ask, who, approvals.number_of(ask.id))


async def test_guesses_that_come_at_once_are_one_guess(committed_database: TestDatabase, approvals: Approvals) -> None:
    """One person sends all ninety together, the right one last: the first that is read ends the ask."""
    for _ in range(3):
        ask, bob = await opened(approvals, TERMS), approver()
        right = approvals.number_of(ask.id)
        guesses = [number for number in map(str, range(10, 100)) if number != right] + [right]
        results = await asyncio.gather(*(typed(approvals, ask, bob, each) for each in guesses), return_exceptions=True)
        assert codes(list(results)) == ["answer_number_wrong"] + ["ask_closed"] * 89
        assert (await ask_by_id(ask.id)).state is AskState.DENIED
        assert (await events_of(ask)).count("refused:answer_number_wrong") == 1


async def test_a_wrong_number_and_its_deny_are_of_one_transaction(
    committed_database: TestDatabase, approvals: Approvals
) -> None:
    """A process that dies between them would grant another guess, so there is nothing between them."""
    ask = await opened(approvals, TERMS)
    with pytest.raises(NumberWrongError):
        await typed(approvals, ask, approver(), "0")
    async with read_connection() as connection:
        writers = await connection.fetch(
            "SELECT xmin::text FROM ask WHERE id = $1 UNION ALL SELECT xmin::text FROM ask_answer WHERE ask_id = $1 "
            "UNION ALL SELECT xmin::text FROM ledger_entry WHERE subject = $2 AND event <> 'approval.opened'",
            ask.id,
            f"ask:{ask.id}",
        )
    assert len(writers) == 5
    assert len({row["xmin"] for row in writers}) == 1


async def test_a_deny_needs_no_number(committed_database: TestDatabase, approvals: Approvals) -> None:
    """Whoever is in doubt must be able to say no at once."""
    ask = await opened(approvals, TERMS)
    assert (await deny(approvals, ask, approver())).ask.state is AskState.DENIED


def test_a_policy_wants_a_number_by_its_annotation() -> None:
    """It takes no value, goes with no self-approval, and of several asks one that wants it is enough."""
    assert annotation_problems({"id": "x", "ask": None, "match_number": None}, "forbid") == []
    assert "takes no value" in annotation_problems({"id": "x", "ask": None, "match_number": "7"}, "forbid")[0]
    assert "without @ask" in annotation_problems({"id": "x", "match_number": None}, "forbid")[0]
    both = {"id": "x", "ask": None, "match_number": None, "allow_self": None}
    assert "@allow_self" in annotation_problems(both, "forbid")[0]
    wanting, plain = ask_terms({"ask": None, "match_number": None}), ask_terms({"ask": None})
    assert wanting
    assert plain
    together = strictest([plain, wanting])
    assert together
    assert together.match_number
