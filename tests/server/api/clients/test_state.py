"""What phones and desktops are shown, and to whom."""

from typing import Any

import pytest

from appliance.clock import utc_now
from appliance.identity.records import Role
from tests.server.api.clients.conftest import FORCED, asked
from tests.support.desktop import Desktop
from tests.support.machines import bash
from tests.support.people import make_person
from tests.support.phone import Phone
from tests.support.planting import examples
from tests.support.web_world import World
from tests.support.wire import formed, golden

SECRET = next(examples(1, seed=7)).secret
HIDDEN = "\u202e\u200b\x1b"


async def _first_call(world: World) -> None:
    """The one allowed call that the golden files know; later tests of the module come after it in each list."""
    if not (await world.as_script(world.owner, "GET", "/v1/decisions")).json()["decisions"]:
        assert (await world.hook(bash("ls", use="toolu_golden"))).status_code == 200


async def test_the_state_is_as_each_client_reads_it(world: World, phone: Phone, desktop: Desktop) -> None:
    """Word for word, for an approver, for the person whose agent asks, and for the machine by its own token."""
    await _first_call(world)
    async with asked(world, bash(FORCED, use="toolu_golden_2")):
        for name, token in (("owner", phone.token), ("member", world.member.token), ("machine", desktop.token)):
            phone.token = token
            reply = await phone.call("mobileState", "/v1/mobile/state")
            assert reply.status_code == 200, reply.text
            assert formed(reply) == golden(f"state_{name}"), name
            assert "<" not in reply.text
        reply = await desktop.call("clientNotifications", "GET", "/v1/client/notifications")
        assert formed(reply) == golden("notifications")
        assert reply.headers["x-openleash-api-version"] == "2026-06-28.client-notifications.v1"


async def test_each_ask_that_waits_has_an_event(world: World, phone: Phone) -> None:
    """Otherwise a phone would stay silent; one that has just ended has one of the other kind."""
    async with asked(world) as (_, first), asked(world, bash("rm -rf /src/billing/data")) as (_, second):
        state = await phone.refresh(is_july=True)
        ids = [approval["id"] for approval in state["pendingApprovals"]]
        assert ids == [str(first.id), str(second.id)]
        assert phone.notices() == ids
        waiting = [event["id"] for event in state["attentionEvents"] if event["state"] == "waiting"]
        assert waiting == [f"pending:{each}" for each in ids]
    state = await phone.refresh()
    ended = {event["id"]: event for event in state["attentionEvents"]}
    assert ended[f"resolved:{first.id}"]["title"] == "Claude Code was denied by Ada Lovelace"
    assert phone.notices() == []


async def test_who_may_not_answer_sees_the_own_ask_alone(world: World, mias_phone: Phone) -> None:
    """A member sees the ask of the own machine and that somebody else must answer; another member nothing."""
    eve = await make_person(world.appliance.identity, Role.MEMBER, "eve@example.org", utc_now())
    async with asked(world) as (_, ask):
        [own] = (await mias_phone.refresh())["pendingApprovals"]
        assert (own["id"], own["can_answer"]) == (str(ask.id), False)
        assert own["purpose_summary"].startswith("Somebody else must answer this.")
        mias_phone.token = eve.token
        state = await mias_phone.refresh()
        assert (state["pendingApprovals"], state["agents"], state["recentActivity"]) == ([], [], [])
        assert state["attentionEvents"] == []


async def test_an_auditor_is_not_asked(world: World, phone: Phone) -> None:
    """Whoever may read every ask but answer none gets none on the phone; the page shows them."""
    auditor = await make_person(world.appliance.identity, Role.AUDITOR, "audit@example.org", utc_now())
    async with asked(world):
        phone.token = auditor.token
        assert (await phone.refresh())["pendingApprovals"] == []


async def test_text_of_agents_shows_what_is_hidden_in_it(world: World, phone: Phone) -> None:
    """Marks stand for direction, invisible and control characters; secrets were masked before."""
    command, project = f"rm -rf /src/billing/\u200b{SECRET}", f"/src/a{HIDDEN}b"
    async with asked(world, bash(command, project=project)):
        state = await phone.refresh()
        [own] = state["pendingApprovals"]
    assert "⟨U+200B⟩" in own["summary"]
    assert own["project_name"] == "a⟨U+202E⟩⟨U+200B⟩⟨U+001B⟩b"
    assert not set(HIDDEN) & set(str(state))
    assert SECRET not in str(state)


@pytest.mark.parametrize("length", [400, 30_000, 100_000])
async def test_a_long_action_is_shown_or_said_to_be_cut(world: World, phone: Phone, length: int) -> None:
    """An approver reads all of it, or where all of it is: what is behind the summary's end must not be missed."""
    async with asked(world, bash(f"{FORCED}; echo {'x' * length}; rm -rf /src/other")) as (_, ask):
        [own] = (await phone.refresh())["pendingApprovals"]
        page = f"https://leash.example.org/approvals/{ask.id}"
        assert len(own["summary"]) == 300
        assert ("rm -rf /src/other" in own["quote"]) == (length == 400)
        assert (page in own["quote"]) == (length > 400)
        assert len(own["quote"]) < 5_000


async def test_a_short_action_needs_no_second_text(world: World, phone: Phone) -> None:
    """What the summary shows whole is not repeated."""
    async with asked(world):
        [own] = (await phone.refresh())["pendingApprovals"]
        assert "quote" not in own
    body: dict[str, Any] = bash(FORCED)
    body["tool_input"]["timeout"] = 5
    async with asked(world, body):
        [own] = (await phone.refresh())["pendingApprovals"]
        assert own["quote"] == f"command: {FORCED}\n\ntimeout: 5"


async def test_no_agent_is_ever_to_be_left_unwatched(world: World, phone: Phone, desktop: Desktop) -> None:
    """`desired_monitored` is true for each agent: on false a desktop would take its hooks away."""
    await _first_call(world)
    for token in (world.member.token, desktop.token):
        phone.token = token
        agents = (await phone.refresh())["agents"]
        assert [agent["desired_monitored"] for agent in agents] == [True] * len(agents)
        assert agents[0]["sessions"][0]["event_count"] >= 1
    assert phone.state["clientConfig"] == {"managedByOrganization": True, "approvalNotifications": True}


async def test_a_machine_sees_its_own_alone(world: World, desktop: Desktop) -> None:
    """Whatever address it enrolled with: what another machine of the person asks, its token does not show."""
    other = Desktop(world.client, "laptop-2")
    await other.enroll(await world.app_session(world.member))
    async with asked(world, token=other.token) as (_, ask):
        assert [each["id"] for each in (await other.poll())["pendingApprovals"]] == [str(ask.id)]
        assert (await desktop.poll())["pendingApprovals"] == []
        told = [each["id"] for each in (await desktop.poll())["recentActivity"]]
        assert str(ask.id) not in told
    assert (await other.poll())["attentionEvents"][0]["state"] == "resolved"


@pytest.mark.parametrize("token", ["", "ols_" + "A" * 43, "ol_" + "A" * 43, "rubbish"])
async def test_a_dead_token_signs_the_app_out(phone: Phone, token: str) -> None:
    """401, and nothing else: apps understand no other refusal."""
    phone.token = token
    assert await phone.refresh() == {}
    assert phone.token == ""
