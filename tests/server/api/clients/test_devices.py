"""Phones that tell of themselves: one row each, however often they are started."""

from typing import Any

import pytest

from appliance.clients.records import DEVICES_MAX
from appliance.clock import utc_now
from appliance.database.connection import read_connection
from appliance.database.transaction import transaction
from appliance.identity.records import SessionKind
from tests.support.desktop import Desktop
from tests.support.people import HERE, ledger_events
from tests.support.phone import Phone
from tests.support.web_world import World


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
    assert reply.json()["device"]["id"]
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
