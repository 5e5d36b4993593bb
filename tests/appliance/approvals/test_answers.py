"""An ask is answered exactly once, by people who may, to what they saw; every refusal is in the ledger."""

import asyncio
from datetime import timedelta

import pytest

from appliance.actions.records import AskTerms, Kind
from appliance.approvals.errors import (
    AskClosedError,
    AskExpiredError,
    AskUnknownError,
    BindingMismatchError,
    NotAnAnswererError,
    ResponseRefusedError,
    SelfApprovalError,
)
from appliance.approvals.interactions import AttentionKind, interaction_of
from appliance.approvals.queries import ask_by_id
from appliance.approvals.records import AskState, Resolution
from appliance.approvals.rules import GUIDANCE_MAX
from appliance.approvals.service import Approvals
from appliance.database.connection import read_connection
from appliance.database.identifiers import uuid7
from appliance.ledger.queries import entry_detail, list_entries
from tests.support.asks import KEY, SOON, allow, approver, codes, deny, events_of, opened, release
from tests.support.decisions import IDA, NOON, action

pytestmark = pytest.mark.usefixtures("committed_database")
QUORUM_2 = AskTerms(quorum=2)


@pytest.fixture
def approvals() -> Approvals:
    """The verbs, with the test's key."""
    return Approvals(KEY, mask=str)


async def test_an_allow_ends_the_ask_with_who_and_why(approvals: Approvals) -> None:
    """The person's words are for the agent; the ledger has the answer and the outcome."""
    ask = await opened(approvals)
    result = await allow(approvals, ask, approver("Bob"), guidance="  only this once \n")
    assert (result.ask.state, result.is_repeat) == (AskState.ALLOWED, False)
    assert (result.ask.resolved_by, result.ask.guidance, result.ask.resolved_at) == ("Bob", "only this once", SOON)
    assert await events_of(ask) == ["opened", "answered", "allowed"]


async def test_a_deny_ends_the_ask_with_its_guidance(approvals: Approvals) -> None:
    """The agent is told what to do instead."""
    ask = await opened(approvals)
    result = await deny(approvals, ask, approver("Bob"), guidance="Use the staging copy")
    assert (result.ask.state, result.ask.guidance) == (AskState.DENIED, "Use the staging copy")
    assert await events_of(ask) == ["opened", "answered", "denied"]


async def test_an_identical_repeat_gets_the_first_answer_again(approvals: Approvals) -> None:
    """A phone that sends twice is no second answer; the ledger has one."""
    ask, bob = await opened(approvals), approver("Bob")
    first = await allow(approvals, ask, bob, guidance="first")
    again = await allow(approvals, ask, bob, guidance="second")
    assert (again.is_repeat, again.ask) == (True, first.ask)
    await release(approvals, ask)
    assert (await allow(approvals, ask, bob)).ask.state is AskState.RELEASED
    assert await events_of(ask) == ["opened", "answered", "allowed", "released"]


async def test_an_opposite_answer_never_wins(approvals: Approvals) -> None:
    """Neither of the same person nor of another, and each attempt is in the ledger."""
    ask, bob = await opened(approvals), approver("Bob")
    await deny(approvals, ask, bob)
    for who in (bob, approver("Eve")):
        with pytest.raises(AskClosedError):
            await allow(approvals, ask, who)
    assert (await ask_by_id(ask.id)).state is AskState.DENIED
    assert await events_of(ask) == ["opened", "answered", "denied", "refused:ask_closed", "refused:ask_closed"]
    other = await opened(approvals)
    await allow(approvals, other, bob)
    for who in (bob, approver("Eve")):
        with pytest.raises(AskClosedError, match="already"):
            await deny(approvals, other, who)
    assert (await ask_by_id(other.id)).state is AskState.ALLOWED
    assert (await events_of(other))[-2:] == ["refused:ask_closed", "refused:ask_closed"]


async def test_fifty_people_allow_at_once_and_one_call_goes(approvals: Approvals) -> None:
    """All of them agree with the outcome; it is one outcome, one release."""
    ask = await opened(approvals)
    people = [approver(f"P{number}") for number in range(50)]
    results = await asyncio.gather(*(allow(approvals, ask, who) for who in people), return_exceptions=True)
    assert codes(list(results)) == ["ok"] * 50
    releases = await asyncio.gather(*(release(approvals, ask) for _ in range(50)), return_exceptions=True)
    assert codes(list(releases)) == ["ask_closed"] * 49 + ["ok"]
    events = await events_of(ask)
    assert (events.count("allowed"), events.count("released")) == (1, 1)
    assert events.count("release_refused:ask_closed") == 49


async def test_fifty_repeats_of_one_person_are_one_answer(approvals: Approvals) -> None:
    """A button pressed by fifty hands of the same account."""
    ask, bob = await opened(approvals, QUORUM_2), approver("Bob")
    results = await asyncio.gather(*(allow(approvals, ask, bob) for _ in range(50)), return_exceptions=True)
    assert codes(list(results)) == ["ok"] * 50
    current = await ask_by_id(ask.id)
    assert (current.state, current.allows) == (AskState.PENDING, 1)
    assert (await events_of(ask)).count("answered") == 1


@pytest.mark.parametrize("quorum", [1, 2, 3])
async def test_phone_and_browser_answer_at_once_with_one_outcome(approvals: Approvals, quorum: int) -> None:
    """Ten allows and a deny in the same instant: whatever wins, one outcome, and before the quorum it is the deny."""
    for _ in range(10):
        ask = await opened(approvals, AskTerms(quorum=quorum))
        allows = [allow(approvals, ask, approver(f"P{number}")) for number in range(quorum)]
        results = await asyncio.gather(*allows, deny(approvals, ask, approver("Eve")), return_exceptions=True)
        events = await events_of(ask)
        ends = [event for event in events if event in {"allowed", "denied"}]
        assert len(ends) == 1
        if ends == ["denied"]:
            assert codes([results[-1]]) == ["ok"]
            assert (await ask_by_id(ask.id)).resolved_by == "Eve"
        else:
            assert codes(list(results)) == ["ask_closed", *["ok"] * quorum]


async def test_a_deny_that_waits_beats_an_allow_that_is_being_counted(approvals: Approvals) -> None:
    """Of answers that wait for the ask at the same time, a deny wins, whoever came first."""
    ask = await opened(approvals)
    async with read_connection() as holder, holder.transaction():
        await holder.fetchval("SELECT 1 FROM ask WHERE id = $1 FOR UPDATE", ask.id)
        first = asyncio.create_task(allow(approvals, ask, approver("Bob")))
        await asyncio.sleep(0.2)
        second = asyncio.create_task(deny(approvals, ask, approver("Eve"), guidance="No"))
        await asyncio.sleep(0.2)
    results = await asyncio.gather(first, second, return_exceptions=True)
    assert codes(list(results)) == ["ask_closed", "ok"]
    assert isinstance(results[0], AskClosedError)
    ended = await ask_by_id(ask.id)
    assert (ended.state, ended.resolved_by, ended.guidance) == (AskState.DENIED, "Eve", "No")


async def test_a_quorum_wants_different_people(approvals: Approvals) -> None:
    """Until it is complete the ask waits; any deny ends it."""
    ask, bob = await opened(approvals, QUORUM_2), approver("Bob")
    first = await allow(approvals, ask, bob)
    assert (first.ask.state, first.ask.allows) == (AskState.PENDING, 1)
    assert (await allow(approvals, ask, bob)).ask.allows == 1
    with pytest.raises(AskClosedError, match="still waits"):
        await release(approvals, ask)
    second = await allow(approvals, ask, approver("Eve"), guidance="fine")
    assert (second.ask.state, second.ask.allows, second.ask.guidance) == (AskState.ALLOWED, 2, "fine")
    assert (await release(approvals, ask)).resolved_by == "Eve"
    other = await opened(approvals, QUORUM_2)
    await allow(approvals, other, bob)
    assert (await deny(approvals, other, approver("Eve"))).ask.state is AskState.DENIED
    assert await events_of(other) == ["opened", "answered", "answered", "denied"]


async def test_a_person_who_allowed_cannot_deny_afterwards(approvals: Approvals) -> None:
    """Not even while the quorum is incomplete: the first answer of each person stands."""
    ask, bob = await opened(approvals, QUORUM_2), approver("Bob")
    await allow(approvals, ask, bob)
    with pytest.raises(AskClosedError, match="You already answered"):
        await deny(approvals, ask, bob)
    assert (await ask_by_id(ask.id)).state is AskState.PENDING
    assert (await events_of(ask))[-1] == "refused:ask_closed"


async def test_self_approval_is_refused_where_the_policy_says_so(approvals: Approvals) -> None:
    """By account or by address; allowed where it says nothing."""
    ida = approver("Ida", "approver", person_id=IDA.person_id, email=IDA.email)
    ask = await opened(approvals, AskTerms(allows_self=False))
    for who in (ida, approver("Ida", "owner", email=IDA.email.upper())):
        with pytest.raises(SelfApprovalError):
            await allow(approvals, ask, who)
    assert await events_of(ask) == ["opened", "refused:self_approval_refused", "refused:self_approval_refused"]
    assert (await allow(approvals, await opened(approvals), ida)).ask.state is AskState.ALLOWED


async def test_a_role_that_was_revoked_meanwhile_answers_nothing(approvals: Approvals) -> None:
    """The roles of this moment count, also for the second half of a quorum and for a repeat."""
    ask, bob = await opened(approvals, QUORUM_2), approver("Bob")
    await allow(approvals, ask, bob)
    revoked = approver("Bob", "member", person_id=bob.person_id)
    for resolution in (allow, deny):
        with pytest.raises(NotAnAnswererError):
            await resolution(approvals, ask, revoked)
    assert (await ask_by_id(ask.id)).allows == 1
    assert (await events_of(ask))[-2:] == ["refused:answerer_not_allowed"] * 2


async def test_an_answer_after_the_expiry_is_refused_and_ends_the_ask(approvals: Approvals) -> None:
    """To the microsecond: at its expiry it is over."""
    for late in (timedelta(0), timedelta(hours=1)):
        ask = await opened(approvals, seconds=60)
        with pytest.raises(AskExpiredError):
            await allow(approvals, ask, approver("Bob"), now=ask.expires_at + late)
        assert (await ask_by_id(ask.id)).state is AskState.EXPIRED
        assert await events_of(ask) == ["opened", "expired", "refused:ask_expired"]
    ask = await opened(approvals, seconds=60)
    in_time = ask.expires_at - timedelta(microseconds=1)
    assert (await allow(approvals, ask, approver("Bob"), now=in_time)).ask.state is AskState.ALLOWED


async def test_an_answer_to_another_payload_is_refused(approvals: Approvals) -> None:
    """What was shown must be what waits."""
    ask, other = await opened(approvals), await opened(approvals)
    for binding in ("", other.binding, ask.binding.upper(), ask.binding + "0"):
        with pytest.raises(BindingMismatchError):
            await approvals.answer(ask.id, approver("Bob"), Resolution.ALLOW, binding=binding, guidance="", now=SOON)
    assert (await ask_by_id(ask.id)).state is AskState.PENDING
    assert await events_of(ask) == ["opened", *["refused:binding_mismatch"] * 4]


async def test_an_answer_to_no_ask_is_refused_and_recorded(approvals: Approvals) -> None:
    """Somebody who tries identifiers leaves a trace."""
    nothing = uuid7()
    with pytest.raises(AskUnknownError):
        await approvals.answer(nothing, approver("Bob"), Resolution.ALLOW, binding="", guidance="", now=SOON)
    assert await events_of(nothing) == ["refused:ask_unknown"]


async def test_guidance_has_a_limit_and_is_no_fact_for_ever(approvals: Approvals) -> None:
    """500 characters, in the ledger's content and not in its facts."""
    ask = await opened(approvals)
    result = await deny(approvals, ask, approver("Bob"), guidance="ä" * 10_000)
    assert result.ask.guidance == "ä" * GUIDANCE_MAX
    async with read_connection() as connection:
        bodies = await connection.fetch("SELECT body FROM ledger_entry WHERE subject = $1", f"ask:{ask.id}")
        contents = await connection.fetch(
            "SELECT p.content FROM ledger_payload p JOIN ledger_entry e ON e.id = p.entry_id WHERE e.subject = $1",
            f"ask:{ask.id}",
        )
    assert not [row for row in bodies if "ää" in row["body"] or "Bob" in row["body"]]
    assert [row for row in contents if "ä" * GUIDANCE_MAX in row["content"]]


@pytest.mark.parametrize("guidance", ["\u202egnp.exe", "\0", "\n" * 300, "a\x1b[2J", "\ud800", "'; DROP TABLE ask; --"])
async def test_odd_guidance_is_kept_or_refused_without_harm(approvals: Approvals, guidance: str) -> None:
    """What the database cannot keep does not make a half answer."""
    ask = await opened(approvals)
    result = await deny(approvals, ask, approver("Bob"), guidance=guidance)
    assert result.ask.state is AskState.DENIED
    assert "\0" not in result.ask.guidance
    assert await events_of(ask) == ["opened", "answered", "denied"]


async def test_an_ask_of_long_ago_is_still_bound_to_its_policy_version(approvals: Approvals) -> None:
    """A restart or another process with the same key sees the same binding, one with another key does not."""
    ask = await opened(approvals)
    await allow(Approvals(KEY, mask=str), ask, approver("Bob"))
    with pytest.raises(BindingMismatchError):
        await release(Approvals(b"another key" * 3, mask=str), ask)
    assert (await release(Approvals(KEY, mask=str), ask)).id == ask.id
    assert ask.created_at == NOON


QUESTIONS = {"questions": [{"question": "Which colour?", "options": ["Red", "Blue"]}]}
ASKING = interaction_of(action(tool="AskUserQuestion", kind=Kind.TOOL, arguments=QUESTIONS))
RED = {**QUESTIONS, "answers": {"Which colour?": "Red"}}


async def test_answers_are_kept_with_the_allow(approvals: Approvals) -> None:
    """In the ask for its release, and in the ledger's payload: they are a person's words."""
    ask = await opened(approvals, interaction=ASKING)
    assert (ask.interaction, ask.attention_kind) == (ASKING, AttentionKind.QUESTION)
    result = await allow(approvals, ask, approver("Bob"), response=RED)
    assert result.ask.answers == {"Which colour?": "Red"}
    assert (await release(approvals, ask)).answers == {"Which colour?": "Red"}
    for event in ("approval.answered", "approval.allowed"):
        (entry,) = [each for each in await list_entries(event=event) if each.subject == f"ask:{ask.id}"]
        detail = await entry_detail(entry.id)
        assert any("Red" in part.content for part in detail.parts if part.part == "payload")
        assert "Red" not in str(entry)


async def test_words_of_people_are_masked_before_they_are_kept() -> None:
    """Guidance and answers alike."""
    approvals = Approvals(KEY, mask=lambda text: text.replace("hunter2", "[secret]"))
    ask = await opened(approvals, interaction=ASKING)
    response = {"answers": {"Which colour?": "hunter2"}}
    result = await allow(approvals, ask, approver("Bob"), guidance="use hunter2", response=response)
    assert (result.ask.answers, result.ask.guidance) == ({"Which colour?": "[secret]"}, "use [secret]")


async def test_a_response_that_does_not_fit_is_refused_and_the_ask_waits_on(approvals: Approvals) -> None:
    """The person can answer again; the refusal is in the ledger."""
    ask, bob = await opened(approvals, interaction=ASKING), approver("Bob")
    with pytest.raises(ResponseRefusedError):
        await allow(approvals, ask, bob, response={"answers": {"Which day?": "Monday"}})
    assert (await allow(approvals, ask, bob, response=RED)).ask.state is AskState.ALLOWED
    assert await events_of(ask) == ["opened", "refused:response_refused", "answered", "allowed"]


async def test_a_repeat_is_identical_whatever_words_come_with_it(approvals: Approvals) -> None:
    """Other answers or guidance change nothing any more, also after the release and after the expiry."""
    ask, bob = await opened(approvals, interaction=ASKING), approver("Bob")
    first = await allow(approvals, ask, bob, response=RED)
    again = await allow(approvals, ask, bob, guidance="x", response={"answers": {"Which colour?": "Blue"}})
    assert (again.is_repeat, again.ask) == (True, first.ask)
    later = SOON + timedelta(hours=1)
    await approvals.expire_due(later)
    expired = await allow(approvals, ask, bob, now=later)
    assert (expired.is_repeat, expired.ask.state) == (True, AskState.EXPIRED)
    for who in (bob, approver("Eve")):
        with pytest.raises((AskClosedError, AskExpiredError)):
            await deny(approvals, ask, who, now=later)
    with pytest.raises(AskExpiredError):
        await allow(approvals, ask, approver("Eve"), now=later)


async def test_the_first_answers_speak_for_all_who_allow(approvals: Approvals) -> None:
    """Of a quorum the second person agrees to them, or denies; other answers are refused."""
    ask = await opened(approvals, QUORUM_2, interaction=ASKING)
    await allow(approvals, ask, approver("Bob"), response=RED)
    with pytest.raises(ResponseRefusedError, match="differently"):
        await allow(approvals, ask, approver("Eve"), response={"answers": {"Which colour?": "Blue"}})
    result = await allow(approvals, ask, approver("Ida", person_id=uuid7()))
    assert (result.ask.state, result.ask.answers) == (AskState.ALLOWED, {"Which colour?": "Red"})


async def test_people_who_answer_differently_at_once_are_no_quorum(approvals: Approvals) -> None:
    """The one whose answer was read later is told, is not counted, and may still allow what the first answered."""
    for _ in range(5):
        ask, people = await opened(approvals, QUORUM_2, interaction=ASKING), (approver("Bob"), approver("Cyd"))
        answers = ({"answers": {"Which colour?": colour}} for colour in ("Red", "Blue"))
        results = await asyncio.gather(
            *(allow(approvals, ask, who, response=said) for who, said in zip(people, answers, strict=True)),
            return_exceptions=True,
        )
        assert codes(list(results)) == ["ok", "response_refused"]
        current = await ask_by_id(ask.id)
        assert (current.state, current.allows) == (AskState.PENDING, 1)
        later = next(who for who, told in zip(people, results, strict=True) if isinstance(told, ResponseRefusedError))
        agreed = await allow(approvals, ask, later, response={"answers": current.answers})
        assert (agreed.ask.state, agreed.ask.answers) == (AskState.ALLOWED, current.answers)


async def test_answers_of_a_deny_are_not_kept(approvals: Approvals) -> None:
    """The agent reads the guidance, nothing else."""
    ask = await opened(approvals, interaction=ASKING)
    result = await approvals.answer(
        ask.id, approver("Bob"), Resolution.DENY, binding=ask.binding, guidance="", now=SOON, response=RED
    )
    assert (result.ask.state, result.ask.answers) == (AskState.DENIED, {})
