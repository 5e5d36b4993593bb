"""A call that policy asks about: one ask, one answer, one release, and a deny in time in every doubt."""

import asyncio
from typing import Any

import pytest

from appliance.approvals.queries import ask_by_id, pending_asks
from appliance.approvals.records import Resolution
from appliance.bootstrap import Road
from appliance.clock import utc_now
from appliance.config.sections import Approvals as ApprovalSettings
from appliance.config.sections import Hooks
from appliance.decisions import service as services
from appliance.decisions.errors import NotRecordedError
from appliance.decisions.records import Call
from appliance.ledger.records import Actor, ActorKind
from appliance.policy.service import publish
from tests.support.asks import events_of
from tests.support.decisions import IDA, kept, new_machine
from tests.support.machines import Answer, bash
from tests.support.postgres import TestPostgres
from tests.support.roads import OPERATOR, POLICIES, Opens, answered, approved, call, decisions, said, waiting


async def test_an_ask_waits_for_a_person_and_lets_the_call_go(road: Road) -> None:
    """Decision, ask and both entries appear together; the reply is the agent's allow."""
    task = asyncio.create_task(road.decisions.decide(call("deploy --now")))
    (ask,) = await waiting()
    (decision,) = await decisions()
    assert (decision.outcome, decision.ask_id, decision.ask_state) == ("ask", ask.id, "pending")
    assert (ask.decision_id, ask.summary, ask.policy_version) == (decision.id, "deploy --now", 2)
    assert await kept() == {decision.id}
    await answered(road, ask)
    assert said(await asyncio.wait_for(task, 2)) == ("allow", "Allowed by Bob")
    assert (await ask_by_id(ask.id)).state == "released"


async def test_a_denied_ask_is_the_agents_deny(road: Road) -> None:
    """The call is answered at once."""
    task = asyncio.create_task(road.decisions.decide(call("deploy")))
    (ask,) = await waiting()
    await answered(road, ask, Resolution.DENY)
    assert said(await asyncio.wait_for(task, 2)) == ("deny", "Denied by Bob.")


async def test_what_is_over_cannot_be_asked_about(road: Road) -> None:
    """After the tool ran nobody waits for an answer: it is denied, not held."""
    body = {**bash("deploy"), "hook_event_name": "PostToolUse", "tool_response": {"stdout": "deploy"}}
    after = Call(requester=IDA, agent="claude", event="PostToolUse", body=body)
    await publish(
        OPERATOR, POLICIES.replace('context.program == "deploy"', "true"), "all", utc_now(), expected_version=2
    )
    await road.decisions._policies.reload()
    reply = await asyncio.wait_for(road.decisions.decide(after), 2)
    assert Answer(200, dict(reply)).is_deny
    assert [decision.outcome for decision in await decisions()] == ["deny"]
    assert await pending_asks(utc_now()) == []


async def test_a_repeated_call_joins_its_ask(opens: Opens) -> None:
    """After its hold ended, or in another process after a restart; another tool use is another ask."""
    road = await opens(hooks=Hooks(hold_seconds=1, decision_timeout_seconds=1))
    decision, reason = said(await road.decisions.decide(call("deploy", use="toolu_1")))
    assert (decision, "Repeat the same call" in reason) == ("deny", True)
    (ask,) = await waiting()
    other = await opens()
    repeat = asyncio.create_task(other.decisions.decide(call("deploy", use="toolu_1")))
    another = asyncio.create_task(other.decisions.decide(call("deploy", use="toolu_2")))
    both = await waiting(2)
    await answered(road, ask)
    assert said(await asyncio.wait_for(repeat, 2))[0] == "allow"
    assert not another.done()
    assert (await events_of(ask))[:3] == ["opened", "hold_ended", "reattached"]
    await answered(road, both[1], Resolution.DENY)
    assert said(await asyncio.wait_for(another, 2))[0] == "deny"


async def test_what_was_allowed_by_older_terms_lets_nothing_go(road: Road) -> None:
    """Once policy wants two people, one person's answer of before is not enough: the repeat is a new ask."""
    await approved(road)
    stricter = POLICIES.replace('@ask("approver")', '@ask("approver") @quorum("2")')
    await publish(OPERATOR, stricter, "two people", utc_now(), expected_version=2)
    await road.decisions._policies.reload()
    repeat = asyncio.create_task(road.decisions.decide(call("deploy", use="toolu_1")))
    (ask,) = await waiting()
    assert ask.terms.quorum == 2
    assert not repeat.done()
    await answered(road, ask, Resolution.DENY)
    assert said(await asyncio.wait_for(repeat, 2))[0] == "deny"


async def test_the_same_call_twice_at_once_opens_one_ask(road: Road) -> None:
    """And one of the two is let go."""
    tasks = [asyncio.create_task(road.decisions.decide(call("deploy", use="toolu_1"))) for _ in range(8)]
    (ask,) = await waiting()
    await asyncio.sleep(0.2)
    assert len(await pending_asks(utc_now())) == 1
    await answered(road, ask)
    replies = await asyncio.wait_for(asyncio.gather(*tasks), 5)
    assert [said(reply)[0] for reply in replies].count("allow") == 1
    assert len(await decisions()) == 1


async def test_a_call_that_is_repeated_without_end_is_held_a_few_times(road: Road) -> None:
    """The others are denied at once: each held call keeps its payload in memory."""
    held = [asyncio.create_task(road.decisions.decide(call("deploy", use="toolu_1")))]
    (ask,) = await waiting()
    held += [asyncio.create_task(road.decisions.decide(call("deploy", use="toolu_1"))) for _ in range(40)]
    done, pending = await asyncio.wait(held, timeout=1.5)
    assert len(pending) == road.waiters.count == services.HELD_PER_ASK_MAX
    assert {said(task.result())[0] for task in done} == {"deny"}
    await answered(road, ask)
    replies = await asyncio.wait_for(asyncio.gather(*pending), 5)
    assert [said(reply)[0] for reply in replies].count("allow") == 1


@pytest.mark.parametrize(
    "more",
    [{"session": "s-2"}, {"project": "/src/other"}, {"of": new_machine()}, {"use": "toolu_9"}],
    ids=["session", "project", "machine", "tool use"],
)
async def test_a_call_from_elsewhere_does_not_join(road: Road, more: dict[str, Any]) -> None:
    """Session, project, machine and tool use tell calls apart."""
    first = asyncio.create_task(road.decisions.decide(call("deploy", use="toolu_1")))
    await waiting()
    second = asyncio.create_task(road.decisions.decide(call("deploy", **{"use": "toolu_1", **more})))
    await waiting(2)
    road.release_held_calls()
    assert {said(reply)[0] for reply in await asyncio.gather(first, second)} == {"deny"}


async def test_too_many_open_asks_of_a_machine_are_denied_and_recorded(opens: Opens) -> None:
    """Another machine is not touched by that."""
    road = await opens(approvals=ApprovalSettings(pending_max_per_machine=1))
    held = [asyncio.create_task(road.decisions.decide(call("deploy")))]
    await waiting()
    decision, reason = said(await road.decisions.decide(call("deploy --again")))
    assert (decision, "Too many asks" in reason) == ("deny", True)
    assert [stored.outcome for stored in await decisions()] == ["deny", "ask"]
    held.append(asyncio.create_task(road.decisions.decide(call("deploy", of=new_machine()))))
    await waiting(2)
    road.release_held_calls()
    await asyncio.gather(*held)


async def test_a_caller_that_hangs_up_leaves_its_ask_to_the_repeat(road: Road) -> None:
    """The answer is not spent on somebody who is gone."""
    gone = asyncio.Event()

    async def hung_up() -> None:
        await gone.wait()

    task = asyncio.create_task(road.decisions.decide(call("deploy", use="toolu_1"), hung_up=hung_up))
    (ask,) = await waiting()
    await asyncio.sleep(0.05)
    gone.set()
    assert said(await asyncio.wait_for(task, 2))[0] == "deny"
    await answered(road, ask)
    assert said(await road.decisions.decide(call("deploy", use="toolu_1")))[0] == "allow"


async def test_while_the_database_is_silent_an_asked_call_is_denied_in_time(road: Road, postgres: TestPostgres) -> None:
    """Within two seconds, new or repeated, one call or many; afterwards asks are opened again."""
    held = asyncio.create_task(road.decisions.decide(call("deploy", use="toolu_1")))
    await waiting()
    clock = asyncio.get_running_loop().time
    with postgres.paused():
        started = clock()
        calls = [road.decisions.decide(call("deploy", use=f"toolu_{1 + number}")) for number in range(20)]
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert clock() - started < 2
    assert {type(result) for result in results} == {NotRecordedError}
    again = asyncio.create_task(road.decisions.decide(call("deploy", use="toolu_30")))
    await waiting(2)
    road.release_held_calls()
    assert {said(reply)[0] for reply in await asyncio.gather(held, again)} == {"deny"}


async def test_while_the_database_is_silent_a_held_call_is_answered_at_the_stop(
    road: Road, postgres: TestPostgres
) -> None:
    """And at the end of its hold, and when its answer has come: nothing of it waits for the database for long."""
    task = asyncio.create_task(road.decisions.decide(call("deploy")))
    (ask,) = await waiting()
    await asyncio.sleep(0.05)
    with postgres.paused():
        road.waiters.wake(str(ask.id))
        await asyncio.sleep(0.05)
        road.release_held_calls()
        with pytest.raises(NotRecordedError):
            await asyncio.wait_for(task, 4)


async def test_an_approved_call_is_denied_in_time_while_the_database_is_silent(
    road: Road, postgres: TestPostgres
) -> None:
    """The release cannot be made durable; the approval stays for the repeat."""
    ask = await approved(road)
    holds = road.decisions._holds
    clock = asyncio.get_running_loop().time
    with postgres.paused():
        started = clock()
        with pytest.raises(NotRecordedError):
            await holds._end(ask, b"", Actor(kind=ActorKind.MACHINE, id=str(IDA.machine_id)))
        assert clock() - started < 2
    assert said(await road.decisions.decide(call("deploy", use="toolu_1")))[0] == "allow"


async def test_answers_of_people_reach_the_agent_in_its_own_input(road: Road) -> None:
    """Rebuilt from the live call: secrets that people saw as marks are the agent's own words again."""
    secret = "ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"
    asked = {"questions": [{"question": f"Use {secret}?", "options": [{"label": "Yes"}, {"label": "No"}]}]}
    body = {**bash(""), "tool_name": "AskUserQuestion", "tool_input": asked}
    task = asyncio.create_task(
        road.decisions.decide(Call(requester=IDA, agent="claude", event="PreToolUse", body=body))
    )
    (ask,) = await waiting()
    (question,) = ask.interaction.questions
    assert secret not in question.question
    response = {"answers": {question.question: "Yes"}, "questions": "forged"}
    await answered(road, ask, response=response)
    reply = await asyncio.wait_for(task, 2)
    assert said(reply)[0] == "allow"
    assert reply["hookSpecificOutput"]["updatedInput"] == {**asked, "answers": {f"Use {secret}?": "Yes"}}


async def test_an_agent_does_not_answer_its_own_questions(road: Road) -> None:
    """Answers that it sends with them are not shown as anybody's, and are gone when a person allows without any."""
    asked = {"questions": [{"question": "Drop it?", "options": [{"label": "Yes"}, {"label": "No"}]}]}
    body = {**bash(""), "tool_name": "AskUserQuestion", "tool_input": {**asked, "answers": {"Drop it?": "Yes"}}}
    task = asyncio.create_task(
        road.decisions.decide(Call(requester=IDA, agent="claude", event="PreToolUse", body=body))
    )
    (ask,) = await waiting()
    assert ask.interaction.original_input == asked
    await answered(road, ask)
    reply = await asyncio.wait_for(task, 2)
    assert said(reply)[0] == "allow"
    assert reply["hookSpecificOutput"]["updatedInput"] == asked
