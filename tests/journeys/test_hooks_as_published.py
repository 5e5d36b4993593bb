"""The published hooks, spoken by the real curl, against a whole private cloud."""

import asyncio
import json
import signal
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support import processes
from tests.support.journey import Cloud, wait_until
from tests.support.machines import Answer, Machine, bash, codex_bash
from tests.support.published_hooks import AGENTS, EVENTS, PLACES, TENANT, body_of, command_of, run
from tests.support.shapes import wrong

DROP = "psql -c 'drop table t'"
DATES = ("2026-01-01", "2027-01-01")  # one that we speak, and one that we do not
EXPECTED_DENY = {"hookEventName": "PreToolUse", "permissionDecision": "deny"}


async def test_an_everyday_command_is_allowed(machine: Machine) -> None:
    """Claude Code reads its own allow, Codex an empty object; curl ends with 0."""
    claude = await machine.curl(bash("git status"))
    assert claude.exit_code == 0
    assert claude.body["hookSpecificOutput"]["permissionDecision"] == "allow"
    codex = await machine.curl(codex_bash("git status"), agent="codex")
    assert (codex.exit_code, codex.body) == (0, {})


async def test_a_forbidden_command_is_denied_in_the_agents_own_words(machine: Machine) -> None:
    """A deny is status 200, so that curl ends with 0 and the agent reads it."""
    claude = await machine.curl(bash("rm -rf /"))
    assert claude.exit_code == 0
    assert claude.body["hookSpecificOutput"].items() >= EXPECTED_DENY.items()
    assert claude.reason
    codex = await machine.curl(codex_bash("rm -rf /"), agent="codex")
    assert codex.exit_code == 0
    assert codex.body["decision"] == "block"
    assert codex.body["hookSpecificOutput"].items() >= EXPECTED_DENY.items()


@pytest.mark.parametrize("agent", ["claude", "codex"])
@pytest.mark.parametrize("resolution", ["allow", "deny"])
async def test_an_asked_call_waits_for_the_person_whose_words_reach_the_agent(
    cloud: Cloud, machine: Machine, agent: str, resolution: str
) -> None:
    """The call is held until the owner presses a button in the dashboard; the guidance stands in the reply."""
    body = bash(DROP) if agent == "claude" else codex_bash(DROP)
    owner = await cloud.owner()
    held = asyncio.create_task(machine.curl(body, agent=agent))
    [ask] = await cloud.pending_asks(machine=machine)
    assert not held.done()
    done = await owner.answer(ask, resolution, guidance="Use the staging copy")
    assert done.status_code == 303, done.text
    answer = await held
    assert answer.exit_code == 0
    if resolution == "deny":
        assert answer.is_deny
        assert answer.reason == "Denied by Ada Lovelace: Use the staging copy"
    elif agent == "codex":
        assert answer.body == {}
    else:
        assert answer.is_allow
        assert "Use the staging copy" in answer.reason


async def test_a_large_body_with_expect_100_continue_is_decided(machine: Machine) -> None:
    """300 kB of a file to write, which curl announces first, is read and judged."""
    written = {"file_path": "/src/billing/notes.txt", "content": "word " * 60_000}
    body = {**bash(""), "tool_name": "Write", "tool_input": written}
    assert len(json.dumps(body)) > 300_000
    answer = await machine.curl(body, headers=("Expect: 100-continue",))
    assert (answer.exit_code, answer.is_allow) == (0, True)
    assert answer.seconds < 2


async def test_every_doubt_is_a_native_deny(cloud: Cloud, machine: Machine, deployment_token: str) -> None:
    """Unknown token, garbage, a version that we do not speak, a revoked machine: 200 and the agent's own deny."""
    stranger = Machine(machine.http, "ol_" + "x" * 43, machine.id, "stranger")
    revoked = await cloud.machine("lost-laptop", token=deployment_token)
    assert (await revoked.curl(bash("ls"))).is_allow
    await cloud.leashctl("agents", "machine", "revoke", revoked.id)
    version = "x-openleash-api-version: 2027-01-01.local-hook-evaluate.v2"
    doubts: list[Answer] = [
        await stranger.curl(bash("ls")),
        await machine.curl(b"\x00\xff not JSON"),
        await machine.curl(b'{"tool_name": "Bash", "tool_name": "Read"}'),
        await machine.curl(bash("ls"), headers=(version,)),
        await revoked.curl(bash("ls")),
    ]
    for answer in doubts:
        assert (answer.status, answer.exit_code) == (200, 0)
        assert answer.is_deny
        assert answer.reason
    known = "x-openleash-api-version: 2026-05-22.local-hook-evaluate.v1"
    assert (await machine.curl(bash("ls"), headers=(known,))).is_allow


def _allow(agent: str, event: str) -> dict[str, Any]:
    """An allow in the agent's own words, as the contract's table has them."""
    if agent in {"claude", "nanoclaw"} and event != "PreToolUse":
        return {"continue": True}
    if agent in {"claude", "nanoclaw"}:
        return {"hookSpecificOutput": _permission(event, "allow")}
    if agent == "copilot":
        return {"PreToolUse": _permission("", "allow"), "Stop": {"decision": "allow"}}.get(event, {})
    return {} if agent == "codex" else {"decision": "allow", "reason": str}


def _deny(agent: str, event: str) -> dict[str, Any]:
    """A deny in the agent's own words, as the contract's table has them."""
    if agent in {"claude", "nanoclaw"} and event == "PreToolUse":
        return {"hookSpecificOutput": _permission(event, "deny")}
    if agent in {"claude", "nanoclaw"} or (agent, event) == ("codex", "Stop"):
        return {"continue": False, "stopReason": str}
    if agent == "copilot":
        return _permission("", "deny") if event == "PreToolUse" else {"decision": "block"}
    return {"decision": "block", "reason": str}


def _permission(event: str, decision: str) -> dict[str, Any]:
    named = {"hookEventName": event} if event else {}
    return {**named, "permissionDecision": decision, "permissionDecisionReason": str}


@pytest.mark.parametrize(("agent", "event"), PLACES)
async def test_every_installed_hook_reads_its_agents_own_words(machine: Machine, agent: str, event: str) -> None:
    """Allowed, forbidden, garbage, a dead token, an unknown version: exit code 0 and what the contract's table says."""
    stranger = Machine(machine.http, "ol_" + "x" * 43, machine.id, "stranger")
    own, foreign = command_of(machine, agent, event), command_of(stranger, agent, event)
    fine, everyday = body_of(agent, event, "git status"), [own, command_of(machine, agent, event, TENANT)]
    old, new = (command_of(machine, agent, event, version=f"{date}.local-hook-evaluate.v1") for date in DATES)
    doubts = [(own, b"\x00 not JSON"), (own, b'{"cwd":"/","cwd":"/src"}'), (foreign, fine), (new, fine)]
    if event == "PreToolUse":
        doubts.append((own, body_of(agent, event, "rm -rf /")))
    allowed = await asyncio.gather(*(run(command, fine) for command in (*everyday, old)))
    denied = await asyncio.gather(*(run(command, body) for command, body in doubts))
    for answers, words in ((allowed, _allow(agent, event)), (denied, _deny(agent, event))):
        for answer in answers:
            assert (answer.exit_code, wrong(answer.body, words)) == (0, [])
            assert words or not answer.body  # an empty object is nothing else


@pytest.mark.parametrize("event", EVENTS)
async def test_a_hook_without_a_body(machine: Machine, event: str) -> None:
    """`{}`, or nothing at all: there is nothing to forbid, but before a tool nobody knows what would be done."""
    words = _deny if event == "PreToolUse" else _allow
    places = [(agent, body) for agent in AGENTS for body in (b"{}", b"")]
    answers = await asyncio.gather(*(run(command_of(machine, agent, event), body) for agent, body in places))
    for (agent, body), answer in zip(places, answers, strict=True):
        assert (answer.exit_code, wrong(answer.body, words(agent, event))) == (0, []), (agent, body)


async def test_every_agent_reads_the_words_of_whoever_denies(cloud: Cloud, machine: Machine) -> None:
    """All eight are held at once; the guidance stands in each one's reason."""
    owner = await cloud.owner()
    calls = [
        asyncio.create_task(run(command_of(machine, agent, "PreToolUse"), body_of(agent, "PreToolUse", DROP)))
        for agent in AGENTS
    ]
    for ask in await cloud.pending_asks(len(AGENTS), machine=machine):
        assert (await owner.answer(ask, "deny", guidance="Use the staging copy")).status_code == 303
    for agent, answer in zip(AGENTS, await asyncio.gather(*calls), strict=True):
        assert (answer.exit_code, wrong(answer.body, _deny(agent, "PreToolUse"))) == (0, []), agent
        told = answer.body.get("hookSpecificOutput", answer.body)
        assert "Use the staging copy" in (told.get("permissionDecisionReason") or told["reason"]), agent


async def test_an_unknown_agent_is_told_so(machine: Machine) -> None:
    """An agent or event that nobody knows has no native deny: 400 with JSON that says why."""
    for agent, event in (("clippy", "PreToolUse"), ("claude", "BeforeEverything")):
        answer = await machine.curl(bash("ls"), agent=agent, event=event)
        assert (answer.status, answer.exit_code) == (400, 22)
        assert answer.body["error"]


async def test_an_ask_that_nobody_answers_ends_in_a_deny(cloud: Cloud, machine: Machine) -> None:
    """At its expiry the held call gets its deny by itself, and the ask cannot be answered any more."""
    owner = await cloud.owner()
    held = asyncio.create_task(machine.curl(bash(DROP)))
    [ask] = await cloud.pending_asks(machine=machine)
    form_before = await owner.open_forms()
    soon = datetime.now(UTC) + timedelta(seconds=1)
    await cloud.sql("UPDATE ask SET expires_at = $2 WHERE id = $1::uuid", ask, soon)
    await cloud.sql("SELECT pg_notify('leash_asks', $1)", ask)
    answer = await held
    assert answer.is_deny
    assert "Nobody answered in time" in answer.reason
    late = await owner.send("POST", f"/approvals/{ask}/answer", **form_before[ask], resolution="allow")
    assert late.status_code in {409, 410}
    assert await cloud.count("ask", "id = $1::uuid AND state = 'expired'", ask) == 1


async def test_a_call_that_was_hung_up_and_repeated_joins_its_ask(cloud: Cloud, machine: Machine) -> None:
    """The caller goes away; the same call again waits for the same ask, and gets its one release."""
    body = bash(DROP)
    process = await machine.start_curl()
    assert process.stdin is not None
    process.stdin.write(json.dumps(body).encode())
    process.stdin.close()
    [ask] = await cloud.pending_asks(machine=machine)
    process.kill()
    await process.wait()
    ended = "event = 'approval.hold_ended' AND subject = $1"
    await _until_counted(cloud, ended, f"ask:{ask}")
    again = asyncio.create_task(machine.curl(body))
    await _until_counted(cloud, "event = 'approval.reattached' AND subject = $1", f"ask:{ask}")
    assert await cloud.pending_asks(machine=machine) == [ask]
    await (await cloud.owner()).answer(ask, "allow")
    assert (await again).is_allow
    assert await cloud.count("ledger_entry", "event = 'approval.released' AND subject = $1", f"ask:{ask}") == 1


async def test_a_held_call_is_answered_before_the_server_stops(cloud: Cloud, machine: Machine) -> None:
    """SIGTERM: a native deny that says to repeat; after the restart the repeat joins the ask and is released."""
    body = bash(DROP)
    owner = await cloud.owner()
    held = asyncio.create_task(machine.curl(body))
    [ask] = await cloud.pending_asks(machine=machine)
    server = cloud.child("server")
    processes.end(server, signal.SIGTERM)
    answer = await held
    assert (answer.status, answer.exit_code, answer.is_deny) == (200, 0, True)
    assert "Repeat the same call" in answer.reason
    await wait_until(lambda: cloud.child("server") not in {0, server}, 30, cloud.said)
    await cloud.wait_ready()
    again = asyncio.create_task(machine.curl(body))
    await _until_counted(cloud, "event = 'approval.reattached' AND subject = $1", f"ask:{ask}")
    assert (await owner.answer(ask, "allow")).status_code == 303
    assert (await again).is_allow


async def _until_counted(cloud: Cloud, where: str, value: str) -> None:
    for _ in range(200):
        if await cloud.count("ledger_entry", where, value):
            return
        await asyncio.sleep(0.05)
    message = f"no ledger entry: {where} {value}"
    raise AssertionError(message)
