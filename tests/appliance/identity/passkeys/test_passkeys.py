"""Passkeys: whom they let in, and which answers prove nothing."""

import base64
import json
import os
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.identity.errors import (
    NameRefusedError,
    RoleChangeRefusedError,
    SignInThrottledError,
    StepUpRequiredError,
)
from appliance.identity.passkeys import ceremonies
from appliance.identity.passkeys.challenges import delete_expired
from appliance.identity.passkeys.errors import (
    PasskeyCredentialMissingError,
    PasskeyRefusedError,
    PasskeysUnavailableError,
    PasskeyTakenError,
    PasskeyUnknownError,
    RefusedError,
)
from appliance.identity.passkeys.records import RelyingParty, StoredKey
from appliance.identity.passkeys.service import Passkeys, build_passkeys, party_of
from appliance.identity.records import Origin, Role, SignedIn
from appliance.identity.service import Identity
from tests.appliance.identity.passkeys.conftest import ORIGIN, register, sign_in, signed_in_as
from tests.support.authenticator import PRESENT, VERIFIED, Authenticator
from tests.support.people import HERE, NOW, OPERATOR, PASSWORD, Someone, ledger_events, ledger_facts, make_person

MINUTE = timedelta(minutes=1)
FORGERIES: dict[str, tuple[dict[str, Any], str]] = {
    "another site's page": ({"origin": "https://leash.example.org.evil.example"}, "answer_wrong"),
    "plain http": ({"origin": "http://leash.example.org"}, "answer_wrong"),
    "another port": ({"origin": "https://leash.example.org:8443"}, "answer_wrong"),
    "a key for another host": ({"host": "evil.example"}, "answer_wrong"),
    "inside a frame": ({"crossOrigin": True}, "framed"),
    "an answer to a registration": ({"type": "webauthn.create"}, "answer_wrong"),
    "a challenge of its own": ({"challenge": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}, "answer_wrong"),
    "a spoilt signature": ({"spoilt": True}, "answer_wrong"),
    "nobody touched the device": ({"flags": VERIFIED}, "answer_wrong"),
    "the device does not know the person": ({"flags": PRESENT}, "answer_wrong"),
    "somebody else's name": ({"user_handle": b"0" * 16}, "other_person"),
    "no name": ({"user_handle": b""}, "other_person"),
}


async def test_a_passkey_alone_signs_in(identity: Identity, passkeys: Passkeys, device: Authenticator) -> None:
    """Its device has checked finger, face or PIN: that is two factors, so the session is proved as well."""
    session = await sign_in(passkeys, device)
    found = await identity.sessions.authenticate(session.token, NOW)
    assert found is not None
    identity.step_ups.check(found, NOW + 9 * MINUTE)
    assert (await ledger_facts("sign_in.succeeded"))[-1]["factor"] == "passkey"


@pytest.mark.parametrize(("forged", "cause"), FORGERIES.values(), ids=FORGERIES)
async def test_a_forged_answer_is_refused(
    passkeys: Passkeys, device: Authenticator, forged: dict[str, Any], cause: str
) -> None:
    """In one sentence for all of them, with the cause in the ledger; the right answer still works afterwards."""
    with pytest.raises(PasskeyRefusedError) as refusal:
        await sign_in(passkeys, device, **forged)
    assert str(refusal.value) == PasskeyRefusedError.summary
    assert [each["cause"] for each in await ledger_facts("sign_in.refused")] == [cause]
    assert (await sign_in(passkeys, device)).token


async def test_an_answer_works_once_in_its_browser_and_in_time(passkeys: Passkeys, device: Authenticator) -> None:
    """Replayed, in another browser, after five minutes, or for another question it is worthless."""
    first, second = [await passkeys.begin_sign_in(NOW, is_person_known=False) for _ in range(2)]
    answer = device.use(first.options)

    async def attempt(browser: object, now: datetime = NOW, said: object = answer) -> None:
        await passkeys.sign_in(answer=said, browser=browser, email=None, password=None, origin=HERE, now=now)

    for browser in (second.browser, "olk_" + "A" * 43, None, ""):
        with pytest.raises(PasskeyRefusedError):
            await attempt(browser)
    await attempt(first.browser)
    with pytest.raises(PasskeyRefusedError):
        await attempt(first.browser)
    late = await passkeys.begin_sign_in(NOW, is_person_known=False)
    with pytest.raises(PasskeyRefusedError):
        await attempt(late.browser, NOW + 5 * MINUTE, device.use(late.options))


async def test_a_wrong_answer_uses_the_question_up(passkeys: Passkeys, device: Authenticator) -> None:
    """There is one try per question."""
    asked = await passkeys.begin_sign_in(NOW, is_person_known=False)
    for answer in (device.use(asked.options, spoilt=True), device.use(asked.options)):
        with pytest.raises(PasskeyRefusedError):
            await passkeys.sign_in(
                answer=answer, browser=asked.browser, email=None, password=None, origin=HERE, now=NOW
            )


async def test_guessing_is_counted_by_key_however_the_answer_is_written(
    passkeys: Passkeys, device: Authenticator
) -> None:
    """Neither spaces in front, nor another order, nor another address begins a new count; other keys go on."""
    other = Authenticator(ORIGIN)
    refusals: list[type[Exception]] = []
    for number in range(100):
        asked = await passkeys.begin_sign_in(NOW, is_person_known=False)
        answer = " " * number + device.use(asked.options, spoilt=True)
        origin = Origin(address=f"198.51.{number}.66")
        with pytest.raises((PasskeyRefusedError, SignInThrottledError)) as refused:
            await passkeys.sign_in(
                answer=answer, browser=asked.browser, email=None, password=None, origin=origin, now=NOW
            )
        refusals.append(refused.type)
    assert refusals[0] is PasskeyRefusedError
    assert refusals[-1] is SignInThrottledError
    for unlike in (other, "{}"):
        asked = await passkeys.begin_sign_in(NOW, is_person_known=False)
        answer = unlike if isinstance(unlike, str) else unlike.use(asked.options)
        with pytest.raises(PasskeyRefusedError):
            await passkeys.sign_in(
                answer=answer, browser=asked.browser, email=None, password=None, origin=HERE, now=NOW
            )


async def test_a_copied_key_is_found_by_its_counter(passkeys: Passkeys, device: Authenticator) -> None:
    """A counter that stands still or goes back is refused, and named in the ledger."""
    await sign_in(passkeys, device)
    device.sign_count = 2
    with pytest.raises(PasskeyRefusedError):
        await sign_in(passkeys, device)
    assert (await ledger_facts("sign_in.refused"))[-1]["cause"] == "counter_went_back"
    device.sign_count = 90
    await sign_in(passkeys, device)


async def test_devices_that_count_nothing_are_let_in(passkeys: Passkeys, signed_in: SignedIn) -> None:
    """Synced passkeys always say 0."""
    synced = Authenticator(ORIGIN, sign_count=0)
    await register(passkeys, signed_in, synced)
    for _ in range(2):
        await sign_in(passkeys, synced)


async def test_with_the_password_a_touch_is_enough(
    identity: Identity, passkeys: Passkeys, device: Authenticator, owner: Someone
) -> None:
    """A key without PIN is a second factor; the password must be right, and of the same person."""
    other = await make_person(identity, Role.MEMBER, "mia@example.org", NOW)
    for email, password, is_right in (
        (owner.email, PASSWORD, True),
        (owner.email, "wrong horse battery staple", False),
        (other.email, PASSWORD, False),
        ("nobody@example.org", PASSWORD, False),
        (None, None, False),
        ("x", [""], False),
    ):
        asked = await passkeys.begin_sign_in(NOW, is_person_known=True)
        answer = device.use(asked.options, flags=PRESENT)
        work = passkeys.sign_in(
            answer=answer, browser=asked.browser, email=email, password=password, origin=HERE, now=NOW
        )
        if is_right:
            await work
        else:
            with pytest.raises(PasskeyRefusedError):
                await work
    assert (await ledger_facts("sign_in.succeeded"))[-1]["factor"] == "password_and_passkey"


async def test_whoever_is_shut_out_is_not_let_in_by_passkey(
    identity: Identity, passkeys: Passkeys, device: Authenticator, owner: Someone
) -> None:
    """Neither where own accounts are closed, nor when the person is disabled, nor after a reset."""
    closed = build_passkeys(identity, public_origin=ORIGIN, name="x", is_open=False, random_bytes=os.urandom)
    with pytest.raises(PasskeyRefusedError):
        await sign_in(closed, device)
    await make_person(identity, Role.OWNER, "grace@example.org", NOW)
    await identity.people.disable(OPERATOR, owner.id, NOW)
    with pytest.raises(PasskeyRefusedError):
        await sign_in(passkeys, device)
    await identity.people.enable(OPERATOR, owner.id, NOW)
    await sign_in(passkeys, device)
    await identity.people.reset_credential(OPERATOR, owner.id, NOW)
    assert await passkeys.list_own(owner.id) == ()
    with pytest.raises(PasskeyRefusedError):
        await sign_in(passkeys, device)


async def test_a_passkey_proves_before_a_dangerous_act(
    identity: Identity, passkeys: Passkeys, device: Authenticator, signed_in: SignedIn
) -> None:
    """For the session that was asked, by the person's own device."""
    later = NOW + 20 * MINUTE
    with pytest.raises(StepUpRequiredError):
        identity.step_ups.check(signed_in, later)
    asked = await passkeys.begin_step_up(signed_in, later)
    renewed = await passkeys.step_up(
        signed_in, answer=device.use(asked.options), browser=asked.browser, origin=HERE, now=later
    )
    found = await identity.sessions.authenticate(renewed.token, later)
    assert found is not None
    identity.step_ups.check(found, later)
    assert await ledger_facts("session.stepped_up") == [{"how": "passkey"}]


async def test_another_persons_device_proves_nothing(
    identity: Identity, passkeys: Passkeys, device: Authenticator
) -> None:
    """Nor does an answer that was given for a sign-in."""
    mia = await make_person(identity, Role.MEMBER, "mia@example.org", NOW)
    theirs, own = await signed_in_as(identity, mia), Authenticator(ORIGIN)
    await register(passkeys, theirs, own)
    asked = await passkeys.begin_step_up(theirs, NOW)
    for answer, browser in (
        (device.use(asked.options), asked.browser),
        (own.use(asked.options), (await passkeys.begin_sign_in(NOW, is_person_known=False)).browser),
    ):
        with pytest.raises(PasskeyRefusedError):
            await passkeys.step_up(theirs, answer=answer, browser=browser, origin=HERE, now=NOW)
    assert (await ledger_events())["passkey.refused"] == 2


async def test_a_person_has_several_and_removes_them(
    identity: Identity, passkeys: Passkeys, device: Authenticator, signed_in: SignedIn
) -> None:
    """By name; a device twice, a name that cannot be shown, and other people's hands are refused."""
    await register(passkeys, signed_in, Authenticator(ORIGIN), "phone")
    assert [each.name for each in await passkeys.list_own(signed_in.person_id)] == ["laptop", "phone"]
    with pytest.raises(PasskeyTakenError):
        await register(passkeys, signed_in, device)
    with pytest.raises(NameRefusedError):
        await register(passkeys, signed_in, Authenticator(ORIGIN), " \u202e")
    mia = await make_person(identity, Role.MEMBER, "mia@example.org", NOW)
    [laptop, phone] = await passkeys.list_own(signed_in.person_id)
    with pytest.raises(RoleChangeRefusedError):
        await passkeys.remove(mia.actor, signed_in.person_id, phone.id, NOW)
    with pytest.raises(PasskeyUnknownError):
        await passkeys.remove(mia.actor, mia.id, phone.id, NOW)
    await passkeys.remove(signed_in.actor, signed_in.person_id, laptop.id, NOW)
    with pytest.raises(PasskeyRefusedError):
        await sign_in(passkeys, device)
    found = await ledger_events()
    assert (found["passkey.added"], found["passkey.removed"]) == (2, 1)


async def test_a_device_must_know_its_person_to_be_registered(passkeys: Passkeys, signed_in: SignedIn) -> None:
    """And must answer from our own page, to the question of this session."""
    forgeries: tuple[dict[str, Any], ...] = (
        {"flags": PRESENT}, {"origin": "https://evil.example"}, {"crossOrigin": True}, {"challenge": "AA"},
    )  # fmt: skip
    for forged in forgeries:
        asked = await passkeys.begin_registration(signed_in, NOW)
        answer = Authenticator(ORIGIN).register(asked.options, **forged)
        with pytest.raises(PasskeyRefusedError):
            await passkeys.register(signed_in, name="x", answer=answer, browser=asked.browser, origin=HERE, now=NOW)
    assert await passkeys.list_own(signed_in.person_id) == ()


async def test_only_people_with_a_password_here_register(
    identity: Identity, passkeys: Passkeys, signed_in: SignedIn, owner: Someone
) -> None:
    """Others have their passkeys where they sign in."""
    await identity.people.reset_credential(OPERATOR, owner.id, NOW)
    with pytest.raises(PasskeyCredentialMissingError):
        await passkeys.begin_registration(signed_in, NOW)


def test_addresses_that_browsers_take_no_passkeys_for() -> None:
    """An IP address, and plain http but for localhost."""
    assert party_of("https://192.0.2.1", "x") is None
    assert party_of("http://leash.example.org", "x") is None
    assert party_of("http://[::1]:8080", "x") is None
    assert party_of(f"{ORIGIN}:8443", "x") == RelyingParty(id="leash.example.org", origin=f"{ORIGIN}:8443", name="x")
    assert party_of("http://localhost:8080", "x") is not None


async def test_without_such_an_address_nothing_is_asked(identity: Identity, signed_in: SignedIn) -> None:
    """The pages hide the button; whoever asks all the same is told why."""
    bare = build_passkeys(identity, public_origin="https://192.0.2.1", name="x", is_open=True, random_bytes=os.urandom)
    assert not bare.is_available
    with pytest.raises(PasskeysUnavailableError):
        await bare.begin_sign_in(NOW, is_person_known=False)
    with pytest.raises(PasskeysUnavailableError):
        await bare.begin_registration(signed_in, NOW)


async def test_old_questions_are_deleted(passkeys: Passkeys) -> None:
    """They do not pile up."""
    asked = await passkeys.begin_sign_in(NOW, is_person_known=False)
    await delete_expired(NOW + 4 * MINUTE)
    await delete_expired(NOW + 5 * MINUTE)
    with pytest.raises(PasskeyRefusedError):
        await passkeys.sign_in(
            answer="{}", browser=asked.browser, email=None, password=None, origin=HERE, now=NOW + 4 * MINUTE
        )


@pytest.mark.parametrize("answer", [None, "", "{", "[]", "{}", "x" * 20_000, b"{}", '{"rawId": 5}', "null", "\ud800"])
async def test_what_is_no_answer_is_refused(passkeys: Passkeys, answer: object) -> None:
    """Whatever it is, in the same words."""
    asked = await passkeys.begin_sign_in(NOW, is_person_known=False)
    with pytest.raises(PasskeyRefusedError):
        await passkeys.sign_in(answer=answer, browser=asked.browser, email=None, password=None, origin=HERE, now=NOW)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["clientDataJSON", "authenticatorData", "signature"]), st.integers(0, 999), st.integers(1, 255))
def test_no_changed_answer_is_accepted(field: str, at: int, mask: int) -> None:
    """Whatever byte of the signed parts or of the signature somebody changes."""
    party, challenge = RelyingParty(id="leash.example.org", origin=ORIGIN, name="x"), os.urandom(32)
    device = Authenticator(ORIGIN)
    asked = ceremonies.registration_options(
        party, challenge=challenge, user=bytes(16), user_name="a", display_name="A", known=()
    )
    made = ceremonies.check_registration(party, device.register(asked), challenge)
    key = StoredKey(id=uuid4(), person_id=uuid4(), credential_id=made.credential_id, public_key=made.public_key)
    asked = ceremonies.authentication_options(party, challenge=challenge, is_person_known=False)
    answer = json.loads(device.use(asked))
    text = answer["response"][field]
    raw = bytearray(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    ceremonies.check_authentication(party, json.dumps(answer), challenge, key, is_person_known=False)
    raw[at % len(raw)] ^= mask
    answer["response"][field] = base64.urlsafe_b64encode(bytes(raw)).decode().rstrip("=")
    with pytest.raises(RefusedError):
        ceremonies.check_authentication(party, json.dumps(answer), challenge, key, is_person_known=False)
