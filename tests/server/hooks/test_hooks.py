"""Hook calls over HTTP: the agent's own words in every case, and what is recorded of each."""

import asyncio
import re

import pytest

from appliance.approvals.records import Answerer, Ask, Resolution
from appliance.clock import utc_now
from appliance.decisions.events import REFUSED
from appliance.decisions.queries import find_decisions
from appliance.decisions.records import DecisionFilter
from tests.support.machines import bash, codex_bash
from tests.support.people import ledger_facts
from tests.support.web_world import World, reason_of

EVERYDAY = bash("git status")
VERSION = "x-openleash-api-version"


async def test_an_everyday_command_is_allowed_in_the_agents_own_words(world: World) -> None:
    """Claude Code reads its envelope, Codex an empty object; the answer is JSON and nobody may keep it."""
    claude = await world.hook(EVERYDAY)
    assert claude.json()["hookSpecificOutput"]["permissionDecision"] == "allow"
    assert claude.headers["content-type"] == "application/json; charset=utf-8"
    assert claude.headers["cache-control"] == "no-store"
    assert claude.headers["x-content-type-options"] == "nosniff"
    codex = await world.hook(codex_bash("git status"), agent="codex")
    assert (codex.status_code, codex.json()) == (200, {})


async def test_a_hook_of_our_own_making_sends_its_token_as_bearer(world: World) -> None:
    """Without `user_token` the bearer token counts."""
    headers = {"authorization": f"Bearer {world.machine_token}"}
    reply = await world.client.post("/v1/hooks/claude/PreToolUse", json=EVERYDAY, headers=headers)
    assert reply.json()["hookSpecificOutput"]["permissionDecision"] == "allow"


async def test_an_empty_body_is_an_empty_object(world: World) -> None:
    """As the published hooks send it; a Stop needs no more."""
    for body in (b"", b"{}", b" \n"):
        reply = await world.hook(body, event="Stop")
        assert (reply.status_code, reply.json()) == (200, {"continue": True})


def deep(levels: int) -> bytes:
    """JSON that is nested so deep."""
    return b'{"a":' * levels + b"1" + b"}" * levels


BAD_BODIES: dict[str, bytes] = {
    "10,000 deep": deep(10_000),
    "10,000 deep in arrays": b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "a million keys": b"{" + b",".join(b'"k%d":1' % number for number in range(1_000_000)) + b"}",
    "NaN": b'{"tool_name":"Bash","tool_input":{"n":NaN}}',
    "infinity": b'{"n":1e999999}',
    "integer beyond 2^53": b'{"n":9007199254740993}',
    "lone surrogate": b'{"prompt":"\\ud800"}',
    "not UTF-8": b'{"prompt":"\xff\xfe"}',
    "duplicate keys": b'{"tool_name":"Bash","tool_name":"Read"}',
    "duplicate keys, written differently": b'{"tool_name":"Bash","tool\\u005fname":"Read"}',
    "an array": b"[1]",
    "a text": b'"x"',
    "cut off": b'{"tool_name":"Ba',
    "two objects": b"{}{}",
    "NUL bytes": b"\x00\x00",
    "a tool that is a list": b'{"tool_name":["Bash"],"tool_input":{}}',
    "21 MB": b'{"prompt":"' + b"x" * 21 * 2**20 + b'"}',
}


@pytest.mark.parametrize("kind", BAD_BODIES)
async def test_what_cannot_be_understood_is_denied_and_recorded(world: World, kind: str) -> None:
    """200 with a native deny that says what is wrong, and a decision in the ledger."""
    before = await _denied(world)
    reason = reason_of(await world.hook(BAD_BODIES[kind]))
    assert "could not be understood" in reason
    assert await _denied(world) == before + 1


async def _denied(world: World) -> int:
    return len(await find_decisions(DecisionFilter(outcome="deny", limit=1000)))


@pytest.mark.parametrize(
    "token",
    [
        "",
        "ol_short",
        "ol_" + "x" * 43,
        "ols_" + "x" * 43,
        "%00",
        "a" * 60_000,
        "ol_%F0%9F%92%A9",
        "ol_deploy_" + "x" * 43,
    ],
)
async def test_without_a_live_token_everything_is_denied(world: World, token: str) -> None:
    """200 and the deny of the agent; Codex, Cursor and the rest have their own words for it."""
    assert "token is not valid" in reason_of(await world.hook(EVERYDAY, token=token))
    for agent, expected in (("codex", "block"), ("cursor", "block"), ("gemini", "block"), ("opencode", "block")):
        reply = await world.hook(EVERYDAY, agent=agent, token=token)
        assert (reply.status_code, reply.json()["decision"]) == (200, expected), agent


async def test_two_different_tokens_are_none(world: World) -> None:
    """Whoever sends a query that two readers would read differently is denied."""
    reply = await world.hook(EVERYDAY, query="&user_token=ol_" + "y" * 43)
    assert "token is not valid" in reason_of(reply)


async def test_a_person_is_no_machine(world: World) -> None:
    """A session token opens no hook."""
    assert "token is not valid" in reason_of(await world.hook(EVERYDAY, token=world.owner.token))


@pytest.mark.parametrize(
    "version",
    [
        "2026-05-22.local-hook-evaluate.v1",
        "2026-05-22.tenant-hook-evaluate.v1",
        "2026-01-31.local-hook-evaluate.v1",
        "",
    ],
)
async def test_a_version_that_is_spoken_is_decided_and_echoed(world: World, version: str) -> None:
    """The present versions of both senders, older dates, and none."""
    headers = {VERSION: version, "x-openleash-api-function": "localHookEvaluate"} if version else {}
    reply = await world.hook(EVERYDAY, headers=headers)
    assert reply.json()["hookSpecificOutput"]["permissionDecision"] == "allow"
    assert reply.headers.get(VERSION, "") == version
    assert reply.headers.get("x-openleash-api-function", "") == ("localHookEvaluate" if version else "")


@pytest.mark.parametrize(
    "version",
    [
        "2026-05-23.local-hook-evaluate.v1",
        "2026-05-22.local-hook-evaluate.v2",
        "2026-05-22.mobile-state.v1",
        "2026-13-01.local-hook-evaluate.v1",
        "latest",
        "x" * 5000,
    ],
)
async def test_another_version_is_denied(world: World, version: str) -> None:
    """A newer date, another major, another function, nonsense: a native deny, before anybody is asked for."""
    assert "version" in reason_of(await world.hook(EVERYDAY, token="", headers={VERSION: version}))


async def test_only_an_unknown_agent_or_event_is_a_bad_request(world: World) -> None:
    """400 with JSON that has `error`: there are no native words to deny in."""
    for agent, event in (
        ("clippy", "PreToolUse"),
        ("claude", "BeforeEverything"),
        ("claude", "%00"),
        ("Claude", "Stop"),
    ):
        reply = await world.hook(EVERYDAY, agent=agent, event=event)
        assert reply.status_code == 400, (agent, event)
        assert reply.json()["error"]
    assert (await world.hook(EVERYDAY, event="PreToolUse/")).status_code == 200


async def test_refusals_before_anybody_is_known_are_counted(world: World) -> None:
    """They enter the ledger as numbers once in a while: strangers cannot fill it."""
    await world.road.refusals.flush()
    earlier = len(await ledger_facts(REFUSED))
    await world.hook(EVERYDAY, token="ol_" + "z" * 43)
    await world.hook(EVERYDAY, token="ol_" + "z" * 43)
    await world.hook(EVERYDAY, headers={VERSION: "2027-01-01.local-hook-evaluate.v1"})
    await world.road.refusals.flush()
    facts = await ledger_facts(REFUSED)
    assert facts[earlier:] == [{"token": 2, "version": 1}]


async def test_an_asked_call_is_held_until_it_is_answered(world: World) -> None:
    """The answer's guidance stands in the reply, whichever way it goes."""
    for resolution, expected in ((Resolution.ALLOW, "allow"), (Resolution.DENY, "deny")):
        held = asyncio.create_task(world.hook(bash("git push --force origin main")))
        ask = await _asked(world)
        assert not held.done()
        await world.appliance.approvals.answer(
            ask.id, _answerer(world), resolution, binding=ask.binding, guidance="Use a branch", now=utc_now()
        )
        said = (await held).json()["hookSpecificOutput"]
        assert said["permissionDecision"] == expected
        assert "Use a branch" in said["permissionDecisionReason"]


async def _asked(world: World) -> Ask:
    for _ in range(200):
        try:
            return await world.pending()
        except IndexError:
            await asyncio.sleep(0.02)
    raise AssertionError


def _answerer(world: World) -> Answerer:
    owner = world.owner
    return Answerer(
        person_id=owner.id, email=owner.email, display_name="Ada", roles=frozenset({"owner"}), actor=owner.actor
    )


async def test_an_internal_failure_is_a_deny_without_its_cause(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever breaks: 200, a deny, and neither the reply nor the log repeats what the agent sent."""

    async def fail(*_: object, **__: object) -> None:
        message = "cannot handle my-secret-payload"
        raise ValueError(message)

    monkeypatch.setattr(world.road.decisions, "decide", fail)
    reply = await world.hook(bash("echo my-secret-payload"))
    assert "my-secret-payload" not in reason_of(reply)
    assert re.fullmatch(r"[0-9a-f-]{36}", reply.headers["x-request-id"])
    printed = capsys.readouterr().out
    assert "hook.failed" in printed
    assert "my-secret-payload" not in printed


async def test_a_log_that_cannot_be_written_does_not_take_the_deny_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk under the log: still 200, still a deny."""

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("server.hooks.handler.log.info", full)
    assert reason_of(await world.hook(EVERYDAY, token=""))
