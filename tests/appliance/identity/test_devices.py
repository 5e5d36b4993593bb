"""Sessions of phones and desktops: named, long, and over when they lie unused."""

from datetime import timedelta

from appliance.identity.jobs import delete_expired
from appliance.identity.records import Device, NewSession, Role, SessionKind
from appliance.identity.service import Identity
from tests.support.people import HERE, NOW, Someone, ledger_facts, make_person

DAY = timedelta(days=1)
PHONE = Device(name="Ada's phone", platform="ios")


async def _device(identity: Identity, person: Someone) -> NewSession:
    return await identity.sessions.begin(person.id, SessionKind.DEVICE, HERE, NOW, device=PHONE)


async def test_a_device_is_in_its_persons_list_by_name(identity: Identity, owner: Someone) -> None:
    """With platform, and where it came from; control characters and length are not the client's to choose."""
    await _device(identity, owner)
    wild = Device(name="x" * 500 + "\n", platform="\x00")
    await identity.sessions.begin(owner.id, SessionKind.DEVICE, HERE, NOW + DAY, device=wild)
    shown = [each for each in await identity.sessions.list_own(owner.id, NOW + DAY) if each.kind == SessionKind.DEVICE]
    assert [(each.device_name, each.platform) for each in shown] == [("x" * 100, "\ufffd"), ("Ada's phone", "ios")]
    assert shown[1].address == HERE.address


async def test_a_device_lives_ninety_days_if_it_is_used(identity: Identity, owner: Someone) -> None:
    """Thirty days without a request end it before, and clean-up deletes it then."""
    used, left = await _device(identity, owner), await _device(identity, owner)
    for days in (29, 58, 87):
        assert await identity.sessions.authenticate(used.token, NOW + days * DAY)
    assert await identity.sessions.authenticate(used.token, NOW + 90 * DAY) is None
    assert await identity.sessions.authenticate(left.token, NOW + 30 * DAY) is None
    await delete_expired(identity, NOW + 30 * DAY)
    assert left.session_id not in {each.id for each in await identity.sessions.list_own(owner.id, NOW)}
    assert used.session_id in {each.id for each in await identity.sessions.list_own(owner.id, NOW + 88 * DAY)}


async def test_all_others_can_be_ended_at_once(identity: Identity, owner: Someone) -> None:
    """The one that asks stays; other people's are not touched; the ledger has the number."""
    mia = await make_person(identity, Role.MEMBER, "mia@example.org", NOW)
    kept, gone = await _device(identity, owner), await _device(identity, owner)
    signed_in = await identity.sessions.authenticate(kept.token, NOW)
    assert signed_in
    ended = await identity.sessions.revoke_others(signed_in, NOW)
    assert ended >= 2
    assert await identity.sessions.authenticate(gone.token, NOW) is None
    assert await identity.sessions.authenticate(kept.token, NOW)
    assert await identity.sessions.authenticate(mia.token, NOW)
    assert (await ledger_facts("sessions.revoked"))[-1] == {"ended": ended, "kept": str(kept.session_id)}
    assert await identity.sessions.revoke_others(signed_in, NOW) == 0
