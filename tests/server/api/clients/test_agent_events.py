"""Events that a desktop's relay tells of in the place of hooks."""

import asyncio
from typing import Any

import pytest

from appliance.approvals.queries import pending_asks
from appliance.clock import utc_now
from tests.server.api.clients.conftest import FORCED
from tests.support.desktop import Desktop
from tests.support.people import ledger_events, ledger_facts
from tests.support.phone import Phone
from tests.support.web_world import World
from tests.support.wire import formed, golden

PATH = "/v1/agent-events"


def told(event: dict[str, Any], kind: str = "codex", key: str = "") -> dict[str, Any]:
    """What the relay sends."""
    computer = {"hostname": "somebody-elses", "platform": "darwin", "osRelease": "24.5.0"}
    whole = {
        "sessionId": "s-7",
        "agentKind": kind,
        "occurredAt": "2026-08-20T09:00:00Z",
        "raw": {"gated": True},
        **event,
    }
    request = {"computer": computer, "agent": {"kind": kind, "displayName": "Codex"}, "event": whole}
    return {
        "source": "local_proxy", "provider": "openai", "idempotencyKey": key or "k1", "correlationId": "c-1",
        "request": request,
    }  # fmt: skip


def tool(command: str) -> dict[str, Any]:
    return {
        "eventName": "PreToolUse",
        "projectPath": "/src/billing",
        "tool": {"name": "Bash", "input": {"command": command}},
    }


async def test_a_prompt_is_sent_on_as_it_was(desktop: Desktop) -> None:
    """`decision` and `finalPrompt` are what the relay reads; no version headers are sent."""
    reply = await desktop.call("", "POST", PATH, told({"eventName": "UserPromptSubmit", "prompt": "Hello"}))
    assert formed(reply) == golden("agent_event_prompt")


async def test_a_tool_is_decided_as_by_a_hook(world: World, desktop: Desktop) -> None:
    """Allowed, denied, and recorded under the agent's own name and the machine whose token it is."""
    assert (await desktop.call("", "POST", PATH, told(tool("ls")))).json()["decision"] == "allow"
    denied = (await desktop.call("", "POST", PATH, told(tool("rm -rf /")))).json()
    assert denied["decision"] == "deny"
    assert "Never delete a root" in denied["summary"]
    assert "finalPrompt" not in denied
    found = (await world.as_script(world.owner, "GET", "/v1/decisions?limit=1")).json()["decisions"][0]
    assert (found["agent"], found["event"], found["hostname"], found["outcome"]) == (
        "codex", "PreToolUse", "laptop-1", "deny",
    )  # fmt: skip


async def test_an_ask_is_waited_for(desktop: Desktop, phone: Phone) -> None:
    """A person answers, the relay hears of it in the same request; a repeat with the same key joins the ask."""
    calls = [asyncio.create_task(desktop.call("", "POST", PATH, told(tool(FORCED), key="k-ask"))) for _ in range(2)]
    async with asyncio.timeout(5):
        while not (asks := await pending_asks(utc_now())):  # noqa: ASYNC110 - an outsider's view
            await asyncio.sleep(0.02)
    assert len(asks) == 1
    assert (await phone.resolve(str(asks[0].id), "deny", "Use the staging copy")).status_code == 200
    for call in calls:
        answer = (await call).json()
        assert (answer["decision"], "Use the staging copy" in answer["summary"]) == ("deny", True)


@pytest.mark.parametrize(
    "event",
    [
        {"eventName": "PreToolUse"}, {"eventName": "Nonsense", "prompt": "x"},
        {"eventName": "PreToolUse", "tool": {"name": "Bash", "input": "ls"}},
        {"eventName": "PreToolUse\n\u202e" * 100, "tool": {"name": "Bash", "input": {"command": "ls"}}},
    ],
)  # fmt: skip
async def test_what_is_not_understood_is_denied_and_recorded(desktop: Desktop, event: dict[str, Any]) -> None:
    """A 200 with a deny, as for hooks: the relay must not take a failure for permission."""
    before = (await ledger_events())["decision.denied"]
    reply = await desktop.call("", "POST", PATH, told(event))
    assert (reply.status_code, reply.json()["decision"]) == (200, "deny")
    assert (await ledger_events())["decision.denied"] == before + 1


async def test_an_agent_without_dialect_is_denied(desktop: Desktop) -> None:
    """Nobody can tell what its tools do; its name, which could be any text, does not enter the ledger for ever."""
    reply = await desktop.call("", "POST", PATH, told(tool("ls"), kind="ida@example.org"))
    assert (reply.status_code, reply.json()["decision"]) == (200, "deny")
    assert {each["agent"] for each in await ledger_facts("decision.denied")} <= {"codex", "unknown"}


async def test_a_person_is_no_machine(world: World, desktop: Desktop) -> None:
    """Whose events would they be? A session gets 403 with words, a dead token 401."""
    refused = await desktop.call("", "POST", PATH, told(tool("ls")), token=world.member.token)
    assert (refused.status_code, refused.json()["code"]) == (403, "machine_token_needed")
    assert (await desktop.call("", "POST", PATH, told(tool("ls")), token="ol_" + "A" * 43)).status_code == 401


async def test_a_large_event_is_taken(desktop: Desktop) -> None:
    """As large as a hook's call may be; the transcript in it is not read."""
    event = {**tool("ls"), "transcript": ["x" * 100_000] * 30}
    assert (await desktop.call("", "POST", PATH, told(event))).json()["decision"] == "allow"
