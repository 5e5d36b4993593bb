"""Phones and desktops that tell of themselves: one row for each phone, a token of its own for each machine."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from appliance.agents import own_machines
from appliance.agents.errors import EnrolmentRefusedError
from appliance.agents.own_machines import enroll_own
from appliance.agents.records import EnrolmentRequest
from appliance.agents.service import revoke_machine
from appliance.clients.records import DEVICES_MAX
from appliance.clock import utc_now
from appliance.database.connection import current_connection, read_connection
from appliance.database.transaction import transaction
from appliance.identity.records import SessionKind
from tests.support.desktop import AGENTS, Desktop
from tests.support.machines import bash
from tests.support.people import HERE, ledger_events, ledger_facts
from tests.support.phone import Phone
from tests.support.web_world import ORIGIN, World
from tests.support.wire import formed, golden


async def _count() -> int:
    async with read_connection() as connection:
        return int(await connection.fetchval("SELECT count(*) FROM client_device"))


async def test_a_phone_is_one_device_however_often_it_starts(world: World, phone: Phone) -> None:
    """The push token is new each time and counts for nothing; another name or system is another phone."""
    async with transaction():
        session = await world.appliance.identity.sessions.begin(world.owner.id, SessionKind.DEVICE, HERE, utc_now())
    phone.token = session.token
    for _ in range(3):
        await phone.tell_of_itself()
    assert await _count() == 1
    other = {"platform": "android", "pushToken": "x", "deviceName": "localhost", "appVersion": "1.0.0"}
    reply = await phone.call("mobileDeviceRegister", "/v1/mobile/devices", other)
    assert formed(reply) == golden("device_known")
    assert await _count() == 2
    assert (await ledger_events())["client_device.registered"] == 2
    listed = (await world.as_script(world.owner, "GET", "/v1/account/sessions")).json()["sessions"]
    assert ("localhost", "ios") in {(each["device_name"], each["platform"]) for each in listed}


async def test_a_person_has_fifty_devices_at_most(world: World, mias_phone: Phone) -> None:
    """The one that was used longest ago makes room: whatever an app calls itself, it fills no table."""
    before = await _count()
    for number in range(DEVICES_MAX + 3):
        body = {"platform": "ios", "deviceName": f"phone {number}"}
        assert (await mias_phone.call("mobileDeviceRegister", "/v1/mobile/devices", body)).status_code == 200
    assert await _count() == before + DEVICES_MAX


async def test_a_machine_is_no_phone(desktop: Desktop) -> None:
    """The contract wants a session here; an agent's token is a dead one."""
    desktop_reply = await desktop.call("", "POST", "/v1/mobile/devices", {"platform": "ios", "deviceName": "x"})
    assert desktop_reply.status_code == 401


@pytest.mark.parametrize(
    "body", [{"deviceName": 5}, {"platform": None}, {"deviceName": "\0" * 300, "platform": "\u202e" * 500}, {}]
)
async def test_odd_names_are_refused_or_cleaned(mias_phone: Phone, body: dict[str, Any]) -> None:
    """Never a fault: the app ignores the answer anyway."""
    reply = await mias_phone.call("mobileDeviceRegister", "/v1/mobile/devices", body)
    assert reply.status_code in {200, 400}, reply.text


async def test_the_machine_is_the_persons_who_is_signed_in(world: World) -> None:
    """Whatever address it would name; the token works for hooks, and its agents are known."""
    desktop = Desktop(world.client, "mias-mbp")
    told = await desktop.enroll(await world.app_session(world.member))
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
        await desktop.enroll(await world.app_session(world.member))
    assert len({first.token, second.token, third.token}) == 3
    for desktop in (first, second, third):
        assert (await desktop.poll())["pendingApprovals"] == []


async def test_a_desktop_installs_what_the_state_wants(world: World) -> None:
    """It tells of its agents, reads the state, and takes no hooks away."""
    desktop = Desktop(world.client, "mias-studio")
    await desktop.enroll(await world.app_session(world.member))
    assert formed(await desktop.tell_of_agents()) == golden("agents_told")
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


async def test_the_owner_behind_glass_enrols_nothing(world: World) -> None:
    """Who comes for an hour must not leave a machine behind that stays."""
    found = await world.appliance.identity.sessions.authenticate(world.owner.token, utc_now())
    assert found
    sealed = msgspec.structs.replace(found, kind=SessionKind.BREAK_GLASS)
    with pytest.raises(EnrolmentRefusedError, match="behind glass"):
        await enroll_own(sealed, EnrolmentRequest(hostname="h"), is_present=True, now=utc_now())


async def test_a_scripts_session_enrols_nothing(world: World) -> None:
    """It may be an agent's: a machine's token would outlive it; the ledger knows of the attempt."""
    made = await world.appliance.identity.sessions.create_script_session(
        world.member.actor, world.member.id, 60, utc_now()
    )
    reply = await _enrol(world, made.token)
    assert (reply.status_code, reply.json()["code"]) == (403, "enrolment_by_script")
    assert "sign in on the machine" in reply.text
    assert (await ledger_facts("enrolment.refused"))[-1]["code"] == "enrolment_by_script"


async def test_an_old_session_enrols_nothing_until_its_person_proves_themselves(world: World) -> None:
    """A desktop enrols right after its sign-in; a session that lay about for an hour proves nothing."""
    token = await world.app_session(world.member)
    await _age(world, token, "created_at = created_at - interval '11 minutes', stepped_up_at = NULL")
    reply = await _enrol(world, token)
    assert (reply.status_code, reply.json()["code"]) == (403, "enrolment_unproven")
    assert (await ledger_facts("enrolment.refused"))[-1]["code"] == "enrolment_unproven"
    await _age(world, token, "stepped_up_at = now() - interval '1 minute'")
    assert (await _enrol(world, token)).status_code == 201


async def test_a_person_has_so_many_machines_at_most(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where they are enrolled at once, and told in words; a revoked one makes room."""
    token = await world.app_session(world.member)
    async with read_connection() as connection:
        rows = await connection.fetch(
            "SELECT id FROM machine WHERE person_id = $1 AND revoked_at IS NULL", world.member.id
        )
    monkeypatch.setattr(own_machines, "MACHINES_MAX", len(rows) + 3)
    replies = await asyncio.gather(*(_enrol(world, token) for _ in range(8)))
    assert sorted(reply.status_code for reply in replies) == [201] * 3 + [409] * 5
    refused = next(reply for reply in replies if reply.status_code == 409)
    assert (refused.json()["code"], "as many as a person may have" in refused.text) == ("machines_too_many", True)
    made = next(reply for reply in replies if reply.status_code == 201)
    await revoke_machine(world.owner.actor, UUID(made.json()["computer"]["id"]), now=utc_now())
    assert (await _enrol(world, token)).status_code == 201


async def _age(world: World, token: str, change: str) -> None:
    signed_in = await world.appliance.identity.sessions.authenticate(token, utc_now())
    assert signed_in
    async with transaction():
        await current_connection().execute(
            f"UPDATE session SET {change} WHERE id = $1",  # noqa: S608 - the test's own words
            signed_in.session_id,
        )
    world.appliance.identity.sessions.forget()


async def _enrol(world: World, token: str) -> httpx.Response:
    return await Desktop(world.client, "spare").call(
        "desktopEnroll", "POST", "/v1/desktop/enroll", {"hostname": "spare"}, token=token
    )
