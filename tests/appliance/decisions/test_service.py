"""The main road, whole: a hook call in, the agent's own words out, and both in the database or neither."""

import asyncio
from random import Random

import msgspec
import pytest

from appliance.actions.records import Outcome
from appliance.approvals.queries import pending_asks
from appliance.bootstrap import Road
from appliance.clock import utc_now
from appliance.database.connection import open_connection, read_connection
from appliance.decisions import service as services
from appliance.decisions.errors import NotRecordedError
from appliance.decisions.records import Call
from appliance.policy.records import PublishedPolicy
from appliance.policy.service import publish
from tests.support.decisions import IDA, kept, ledger_of
from tests.support.machines import bash
from tests.support.postgres import TestDatabase
from tests.support.roads import OPERATOR, POLICIES, Opens, answered, call, decisions, said, waiting

# Made at run time: no literal here looks like a secret.
AWS_KEY = "AKIA" + "".join(Random(7).choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=16))  # noqa: S311


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


async def test_a_policy_tells_people_apart_by_their_groups(opens: Opens) -> None:
    """Those of the machine's person, by the names that a policy gives."""
    road = await opens()
    text = (
        POLICIES
        + """
    @id("release-alone") forbid (principal, action, resource)
    when { context.program == "publish" } unless { context.groups.contains("release-engineers") };
    """
    )
    await publish(OPERATOR, text, "test", utc_now(), expected_version=2)
    await road.decisions._policies.reload()
    engineer = msgspec.structs.replace(IDA, groups=frozenset({"release-engineers", "directory:corp/Everybody"}))
    stranger = msgspec.structs.replace(IDA, groups=frozenset({"directory:corp/release-engineers"}))
    assert said(await road.decisions.decide(call("publish", of=engineer)))[0] == "allow"
    assert said(await road.decisions.decide(call("publish", of=stranger)))[0] == "deny"
