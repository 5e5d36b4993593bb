"""Step-up: how long a proof suffices, which token lives afterwards, and what waits for it."""

from datetime import timedelta

import msgspec
import pytest

from appliance.database.connection import read_connection
from appliance.database.identifiers import uuid7
from appliance.identity.errors import (
    KeptActUnknownError,
    SessionUnknownError,
    SignInThrottledError,
    StepUpFailedError,
    StepUpRequiredError,
)
from appliance.identity.jobs import delete_expired
from appliance.identity.records import NewSession, Role, SessionKind, SignedIn
from appliance.identity.service import Identity
from appliance.identity.step_ups import Act
from tests.support.people import HERE, NOW, OPERATOR, PASSWORD, Someone, ledger_events, ledger_facts, make_person

MINUTE = timedelta(minutes=1)
LATER = NOW + 11 * MINUTE


async def _browser(identity: Identity, someone: Someone) -> NewSession:
    return await identity.sign_ins.sign_in(
        email=someone.email, password=PASSWORD, code=someone.code(NOW), origin=HERE, now=NOW
    )


async def _of(identity: Identity, session: NewSession) -> SignedIn:
    found = await identity.sessions.authenticate(session.token, LATER)
    assert found
    return found


async def test_a_proof_suffices_for_ten_minutes(identity: Identity, owner: Someone) -> None:
    """Sign-in with a code is one; after that a new one is asked for."""
    signed_in = await _of(identity, await _browser(identity, owner))
    identity.step_ups.check(signed_in, NOW + 9 * MINUTE)
    with pytest.raises(StepUpRequiredError):
        identity.step_ups.check(signed_in, NOW + 10 * MINUTE)


async def test_the_session_goes_on_under_a_new_token(identity: Identity, owner: Someone) -> None:
    """The same session, with a token that no earlier copy has; the old one is dead at once, and so is the cache."""
    session = await _browser(identity, owner)
    signed_in = await _of(identity, session)
    renewed = await identity.step_ups.by_code(signed_in, owner.code(LATER), HERE, LATER)
    assert await identity.sessions.authenticate(session.token, LATER) is None
    found = await identity.sessions.authenticate(renewed.token, LATER)
    assert found is not None
    assert (found.session_id, found.created_at, found.stepped_up_at) == (session.session_id, NOW, LATER)
    assert renewed.expires_at == session.expires_at
    identity.step_ups.check(found, LATER)
    assert await ledger_facts("session.stepped_up") == [{"how": "totp"}]


async def test_whoever_has_taken_over_an_address_proves_nothing_for_its_former_person(
    identity: Identity, owner: Someone
) -> None:
    """A session may still be known by an address that is somebody else's by now."""
    mia = await make_person(identity, Role.MEMBER, "mia@example.org", NOW)
    signed_in = await _of(identity, await _browser(identity, owner))
    stale = msgspec.structs.replace(signed_in, email=mia.email)
    with pytest.raises(StepUpFailedError):
        await identity.step_ups.by_code(stale, mia.code(LATER), HERE, LATER)
    assert await ledger_facts("session.step_up_refused") == [{"cause": "code_wrong"}]
    theirs = await identity.sessions.authenticate(mia.token, LATER)
    assert theirs
    await identity.step_ups.by_code(theirs, mia.code(LATER), HERE, LATER)  # the code was good, and was not used up


async def test_a_recovery_code_proves_too_and_is_gone(identity: Identity, owner: Someone) -> None:
    """Once."""
    code = owner.recovery_codes[0]
    signed_in = await _of(identity, await _browser(identity, owner))
    await identity.step_ups.by_code(signed_in, code, HERE, LATER)
    with pytest.raises(StepUpFailedError):
        await identity.step_ups.by_code(signed_in, code, HERE, LATER)


async def test_a_used_or_wrong_code_proves_nothing(identity: Identity, owner: Someone) -> None:
    """Neither renews the token, and the ledger tells."""
    session = await _browser(identity, owner)
    signed_in, code = await _of(identity, session), owner.code(LATER)
    renewed = await identity.step_ups.by_code(signed_in, code, HERE, LATER)
    for wrong in (code, "000000", "", None, ["123456"]):
        with pytest.raises(StepUpFailedError):
            await identity.step_ups.by_code(signed_in, wrong, HERE, LATER)
    assert await identity.sessions.authenticate(renewed.token, LATER)
    assert (await ledger_events())["session.step_up_refused"] == 5


async def test_guessing_codes_in_a_stolen_session_is_throttled(identity: Identity, owner: Someone) -> None:
    """As at sign-in; the right code is not even looked at then."""
    signed_in = await _of(identity, await _browser(identity, owner))
    for number in range(5):
        with pytest.raises(StepUpFailedError):
            await identity.step_ups.by_code(signed_in, f"{number:06}", HERE, LATER)
    with pytest.raises(SignInThrottledError):
        await identity.step_ups.by_code(signed_in, owner.code(LATER), HERE, LATER)


async def test_an_ended_session_is_not_revived(identity: Identity, owner: Someone) -> None:
    """A proof for a session that was revoked meanwhile makes none."""
    session = await _browser(identity, owner)
    signed_in = await _of(identity, session)
    await identity.sessions.revoke(owner.actor, owner.id, session.session_id, LATER)
    with pytest.raises(SessionUnknownError):
        await identity.step_ups.by_code(signed_in, owner.code(LATER), HERE, LATER)
    with pytest.raises(SessionUnknownError):
        await identity.sessions.steps_up(uuid7(), "provider", LATER)


async def test_scripts_are_exempt_and_devices_are_not(identity: Identity, owner: Someone) -> None:
    """A script's session was made on the machine; a phone's proves nothing by being there."""
    script = await identity.sessions.create_script_session(OPERATOR, owner.id, 60, NOW)
    identity.step_ups.check(await _of(identity, script), LATER)
    device = await identity.sessions.begin(owner.id, SessionKind.DEVICE, HERE, NOW)
    with pytest.raises(StepUpRequiredError):
        identity.step_ups.check(await _of(identity, device), NOW)


async def test_an_act_waits_for_its_own_session(identity: Identity, owner: Someone) -> None:
    """With every field, sealed in the database, for a quarter of an hour, and for nobody else."""
    mine, other = await _browser(identity, owner), await _browser(identity, owner)
    signed_in = await _of(identity, mine)
    act = Act(path="/policies/edit", fields={"text": "permit (…);\n", "act": "publish"})
    act_id = await identity.kept_acts.keep(signed_in, act, NOW)
    assert act_id is not None
    assert await identity.kept_acts.find(signed_in, act_id, NOW + 14 * MINUTE) == act
    async with read_connection() as connection:
        assert b"permit" not in await connection.fetchval("SELECT fields_sealed FROM kept_act")
    for who, moment in ((await _of(identity, other), NOW), (signed_in, NOW + 15 * MINUTE)):
        with pytest.raises(KeptActUnknownError):
            await identity.kept_acts.find(who, act_id, moment)
    assert await identity.kept_acts.keep(signed_in, Act(path="/" + "x" * 400, fields={}), NOW) is None
    await delete_expired(identity, NOW + 15 * MINUTE)
    async with read_connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM kept_act") == 0
