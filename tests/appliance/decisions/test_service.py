"""The main road, whole: a hook call in, the agent's own words out, and both in the database or neither."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from appliance.actions.records import Outcome
from appliance.approvals.queries import ask_by_id, pending_asks
from appliance.approvals.records import Ask, Resolution
from appliance.bootstrap import Road, _build, open_road
from appliance.clock import utc_now
from appliance.config import Config
from appliance.config.sections import Approvals as ApprovalSettings
from appliance.config.sections import Hooks, State
from appliance.database.connection import open_connection, read_connection
from appliance.decisions import service as services
from appliance.decisions.errors import NotRecordedError
from appliance.decisions.queries import find_decisions
from appliance.decisions.records import Call, DecisionFilter, Requester, StoredDecision
from appliance.ledger.records import Actor, ActorKind
from appliance.policy.records import PublishedPolicy
from appliance.policy.service import publish
from tests.support.asks import approver, events_of
from tests.support.decisions import IDA, kept, ledger_of, new_machine
from tests.support.machines import Answer, bash
from tests.support.postgres import TestDatabase, TestPostgres

POLICIES = """
@id("base") permit (principal, action, resource);
@id("no-dd") @why("It overwrites disks.") forbid (principal, action, resource) when { context.program == "dd" };
@id("ask-deploy") @ask("approver") @why("It reaches customers.")
forbid (principal, action, resource) when { context.program == "deploy" };
"""
# Made at run time: no literal here looks like a secret.
AWS_KEY = "AKIA" + "".join(Random(7).choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=16))  # noqa: S311
OPERATOR = Actor(kind=ActorKind.OPERATOR, id="leashctl")
Opens = Callable[..., Awaitable[Road]]


@pytest.fixture
async def opens(committed_database: TestDatabase, tmp_path: Path) -> AsyncIterator[Opens]:
    """Opens a road with the test's policies and settings."""
    stack: list[Any] = []

    async def opens(**sections: Any) -> Road:  # noqa: ANN401 - sections of the configuration
        config = Config(state=State(directory=tmp_path), **sections)
        appliance = await _build(config, committed_database.service_url, utc_now)
        if appliance.policies.version == 1:
            await publish(OPERATOR, POLICIES, "test", utc_now(), expected_version=1)
            await appliance.policies.reload()
        manager = open_road(appliance)
        stack.append((manager, appliance))
        return await manager.__aenter__()

    yield opens
    for manager, appliance in reversed(stack):
        await manager.__aexit__(None, None, None)
        appliance.identity.close()


@pytest.fixture
async def road(opens: Opens) -> Road:
    """A road with the defaults."""
    return await opens()


def call(command: str, event: str = "PreToolUse", *, of: Requester = IDA, **more: str) -> Call:
    """Claude Code asks whether it may run a command."""
    return Call(requester=of, agent="claude", event=event, body=bash(command, **more))


def said(reply: Any) -> tuple[str, str]:  # noqa: ANN401 - an agent's own JSON
    """(decision, reason) of Claude Code's reply before a tool."""
    specific = reply["hookSpecificOutput"]
    return specific["permissionDecision"], specific.get("permissionDecisionReason", "")


async def decisions() -> list[StoredDecision]:
    return await find_decisions(DecisionFilter())


async def waiting(count: int = 1) -> list[Ask]:
    """The asks that wait, once there are so many of them."""
    async with asyncio.timeout(5):
        while len(found := await pending_asks(utc_now())) < count:  # noqa: ASYNC110 - an outsider's view
            await asyncio.sleep(0.01)
    return found


async def answered(road: Road, ask: Ask, resolution: Resolution = Resolution.ALLOW) -> None:
    approvals = road.decisions._approvals
    await approvals.answer(ask.id, approver("Bob"), resolution, binding=ask.binding, guidance="", now=utc_now())


async def test_an_allowed_call_is_answered_and_recorded(road: Road) -> None:
    """Decision and ledger entry are there when the agent hears of it."""
    assert said(await road.decisions.decide(call("make test")))[0] == "allow"
    (decision,) = await decisions()
    assert await kept() == {decision.id}
    assert (decision.outcome, decision.policies, decision.policy_version) == ("allow", "base", 2)
    assert (decision.summary, decision.tool, decision.kind) == ("make test", "Bash", "shell")
    assert (decision.machine_id, decision.person_id) == (IDA.machine_id, IDA.person_id)


async def test_a_denied_call_is_told_why(road: Road) -> None:
    """In the policy's own sentence."""
    decision, reason = said(await road.decisions.decide(call("make && dd if=/dev/zero of=/dev/sda")))
    assert decision == "deny"
    assert "It overwrites disks." in reason
    (stored,) = await decisions()
    assert (stored.outcome, stored.reason) == ("deny", reason)


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
    await _approved(road)
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


async def test_a_call_that_cannot_be_understood_is_denied_and_recorded(road: Road) -> None:
    """What it said is not kept."""
    odd = Call(requester=IDA, agent="claude", event="PreToolUse", body={"tool_name": 7, "tool_input": AWS_KEY})
    decision, reason = said(await road.decisions.decide(odd))
    assert decision == "deny"
    assert reason.startswith("The call could not be understood: ")
    (stored,) = await decisions()
    assert stored.outcome == "deny"
    assert AWS_KEY not in str(msgspec.to_builtins(stored))


async def test_a_secret_reaches_neither_database_nor_ask(road: Road, committed_database: TestDatabase) -> None:
    """It is masked in the row, the ledger's content and the ask, while the live call keeps its own hash."""
    task = asyncio.create_task(road.decisions.decide(call(f"deploy --key {AWS_KEY}")))
    (ask,) = await waiting()
    assert "[secret aws-access-key-id" in ask.summary
    superuser = await open_connection(committed_database.superuser_url)
    tables = await superuser.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
    )
    for (table,) in tables:
        text = await superuser.fetchval(f"SELECT string_agg(t::text, ' ') FROM {table} t")  # noqa: S608 - its own names
        assert AWS_KEY not in (text or ""), table
    await superuser.close()
    (decision,) = await decisions()
    assert decision.secrets == 1
    await answered(road, ask)
    assert said(await asyncio.wait_for(task, 2))[0] == "allow"


async def test_nothing_is_allowed_that_could_not_be_recorded(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither at once nor by an ask; nothing of it is left behind."""

    async def fails(_recorded: object) -> None:
        raise NotRecordedError

    monkeypatch.setattr(road.writer, "write", fails)
    with pytest.raises(NotRecordedError):
        await road.decisions.decide(call("make test"))
    monkeypatch.setattr(services, "RECORD", "SELECT 1 / 0 FROM (SELECT $1) AS x")
    monkeypatch.setattr(services, "record_arguments", lambda _batch: [""])
    with pytest.raises(NotRecordedError):
        await road.decisions.decide(call("deploy"))
    assert await decisions() == []
    assert await pending_asks(utc_now()) == []
    assert [event for event, _ in await ledger_of() if not event.startswith("policy.")] == []


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


async def test_policies_that_could_not_be_loaded_are_loaded_by_and_by(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that was busy when we heard of a new version does not deny everything until the next one."""
    policies, failures = road.decisions._policies, [TimeoutError(), TimeoutError()]
    plain = policies._source

    async def source() -> PublishedPolicy | None:
        if failures:
            raise failures.pop()
        return await plain()

    monkeypatch.setattr(policies, "_source", source)
    await publish(OPERATOR, POLICIES + "\n", "again", utc_now(), expected_version=2)
    async with asyncio.timeout(5):
        while policies.version != 3:  # noqa: ASYNC110 - nobody announces it
            await asyncio.sleep(0.05)
    assert failures == []
    assert said(await road.decisions.decide(call("make test")))[0] == "allow"


async def test_text_that_the_database_cannot_keep_is_recorded_without_it(road: Road) -> None:
    """A NUL in what an agent sends denies nobody a record."""
    body = {**bash("echo a\0b"), "cwd": "/src/\0", "session_id": "s\0"}
    await road.decisions.decide(Call(requester=IDA, agent="claude", event="PreToolUse", body=body))
    (stored,) = await decisions()
    assert (stored.project, stored.session, stored.summary) == ("/src/\ufffd", "s\ufffd", "echo a b")


async def test_an_earlier_allow_changes_nothing(road: Road) -> None:
    """There is no memory: a harmless mention does not pave the way."""
    await road.decisions.decide(call("echo dd"))
    assert said(await road.decisions.decide(call("dd if=/dev/zero of=/dev/sda # echo dd")))[0] == "deny"


async def test_many_calls_at_once_are_all_recorded(road: Road) -> None:
    """Each with its own entry."""
    replies = await asyncio.gather(*(road.decisions.decide(call(f"make {number}")) for number in range(200)))
    assert {said(reply)[0] for reply in replies} == {"allow"}
    async with read_connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM decision WHERE outcome = $1", Outcome.ALLOW.value) == 200
    assert len(await kept()) == 200


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
    ask = await _approved(road)
    holds = road.decisions._holds
    clock = asyncio.get_running_loop().time
    with postgres.paused():
        started = clock()
        with pytest.raises(NotRecordedError):
            await holds._end(ask, b"", Actor(kind=ActorKind.MACHINE, id=str(IDA.machine_id)))
        assert clock() - started < 2
    assert said(await road.decisions.decide(call("deploy", use="toolu_1")))[0] == "allow"


async def _approved(road: Road) -> Ask:
    """An ask that was allowed when its caller was gone."""
    gone = asyncio.Event()

    async def hung_up() -> None:
        await gone.wait()

    task = asyncio.create_task(road.decisions.decide(call("deploy", use="toolu_1"), hung_up=hung_up))
    (ask,) = await waiting()
    gone.set()
    await task
    await answered(road, ask)
    return await ask_by_id(ask.id)
