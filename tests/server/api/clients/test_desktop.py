"""A desktop that somebody sets up who is signed in."""

from typing import Any

import pytest

from tests.support.desktop import AGENTS, Desktop
from tests.support.machines import bash
from tests.support.people import ledger_facts
from tests.support.web_world import ORIGIN, World
from tests.support.wire import golden


async def test_the_machine_is_the_persons_who_is_signed_in(world: World) -> None:
    """Whatever address it would name; the token works for hooks, and its agents are known."""
    desktop = Desktop(world.client, "mias-mbp")
    told = await desktop.enroll(world.member.token)
    assert {**told, "token": "<token>", "computer": {**told["computer"], "id": "<uuid>"}} == golden("desktop_enrolled")
    assert told["apiUrl"] == ORIGIN
    assert "allow" in (await world.hook(bash("git status"), token=desktop.token)).text
    machines = (await world.as_script(world.owner, "GET", "/v1/machines")).json()["machines"]
    own = next(each for each in machines if each["hostname"] == "mias-mbp")
    assert (own["person_id"], own["deployment_token_id"]) == (str(world.member.id), None)
    facts = (await ledger_facts("machine.enrolled"))[-1]
    assert facts["person"] == str(world.member.id)


async def test_a_second_machine_leaves_the_first_its_token(world: World) -> None:
    """Also one of the same name."""
    first, second, third = (Desktop(world.client, name) for name in ("one", "two", "one"))
    for desktop in (first, second, third):
        await desktop.enroll(world.member.token)
    assert len({first.token, second.token, third.token}) == 3
    for desktop in (first, second, third):
        assert (await desktop.poll())["pendingApprovals"] == []


async def test_a_desktop_installs_what_the_state_wants(world: World) -> None:
    """It tells of its agents, reads the state, and takes no hooks away."""
    desktop = Desktop(world.client, "mias-studio")
    await desktop.enroll(world.member.token)
    await desktop.tell_of_agents()
    assert desktop.installed == {"claude-code", "codex"}


async def test_a_machines_own_token_enrols_nothing(world: World, desktop: Desktop) -> None:
    """An agent that reads its token must not make itself further ones."""
    body = {**desktop.machine, "agents": AGENTS}
    reply = await desktop.call("desktopEnroll", "POST", "/v1/desktop/enroll", body)
    assert (reply.status_code, reply.json()["code"]) == (401, "sign_in_required")


@pytest.mark.parametrize(
    "body",
    [
        {}, {"hostname": 5}, {"hostname": "h", "agents": {}}, {"hostname": "h", "agents": [5]},
        {"hostname": "h", "agents": [{"kind": None}]}, {"hostname": "\0\u202e", "agents": []},
        {"hostname": "h", "agents": [{"kind": "x"}] * 65},
    ],
)  # fmt: skip
async def test_a_machine_that_cannot_be_kept(world: World, body: dict[str, Any]) -> None:
    """400 with words, which the desktop shows."""
    reply = await world.as_script(world.member, "POST", "/v1/desktop/enroll", body)
    assert (reply.status_code, bool(reply.json()["error"])) == (400, True)
