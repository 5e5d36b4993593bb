"""Signing in: what is accepted once, what is refused alike, and what is recorded."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from appliance.database.connection import read_connection
from appliance.errors import LeashError
from appliance.identity.codes import STEP_SECONDS
from appliance.identity.errors import SealBrokenError, SignInBusyError, SignInRefusedError
from appliance.identity.passwords import Cost, Passwords
from appliance.identity.records import Limits, NewSession, Origin, Role
from appliance.identity.service import Identity, build_identity
from tests.appliance.identity.conftest import CHEAP, KEY
from tests.support.people import (
    HERE,
    NOW,
    OPERATOR,
    PASSWORD,
    Someone,
    ledger_events,
    ledger_facts,
    make_owner,
    make_person,
)

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"


def built_with(passwords: Passwords, attempts: int = 1000) -> Identity:
    return build_identity(
        KEY,
        limits=Limits(),
        sign_in_attempts_per_minute=attempts,
        owner_link_minutes=60,
        issuer="OpenLeash",
        passwords=passwords,
    )


async def sign_in(identity: Identity, someone: Someone, **fields: Any) -> NewSession:  # noqa: ANN401 - bad ones too
    known = {"email": someone.email, "password": PASSWORD, "origin": HERE, "now": NOW}
    if "code" not in fields:
        known["code"] = someone.code(fields.get("now", NOW))
    return await identity.sign_ins.sign_in(**{**known, **fields})


async def test_all_three_right_begins_a_session(identity: Identity, owner: Someone) -> None:
    """In any spelling of the address; the ledger says by which factor, and nothing that is secret."""
    session = await sign_in(identity, owner, email=f"  {owner.email.upper()} ")
    signed_in = await identity.sessions.authenticate(session.token, NOW)
    assert signed_in
    assert signed_in.session_id == session.session_id
    [facts] = await ledger_facts("sign_in.succeeded")
    assert facts == {"factor": "totp", "session": str(session.session_id)}


async def test_signing_in_gives_a_new_session_and_ends_the_browsers_old_one(identity: Identity, owner: Someone) -> None:
    """Whoever planted or stole the old cookie has nothing; a token of another kind is left alone."""
    first = await sign_in(identity, owner)
    second = await sign_in(identity, owner, previous_token=first.token)
    assert first.token != second.token
    assert await identity.sessions.authenticate(first.token, NOW) is None
    assert str(first.session_id) in [facts.get("replaced") for facts in await ledger_facts("sign_in.succeeded")]
    later = NOW + timedelta(minutes=5)
    for odd in (owner.token, "ols_" + "A" * 43, "\x00", ""):
        later += timedelta(seconds=STEP_SECONDS)
        assert await sign_in(identity, owner, previous_token=odd, now=later)
    assert await identity.sessions.authenticate(owner.token, NOW)


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({"email": "nobody@example.org"}, "person_unknown"),
        ({"email": "*)(uid=*))(|(uid=*"}, "person_unknown"),
        ({"email": "a\x00@example.org"}, "person_unknown"),
        ({"email": "x" * 65536}, "person_unknown"),
        ({"email": None}, "person_unknown"),
        ({"email": {"a": 1}}, "person_unknown"),
        ({"password": ""}, "password_wrong"),
        ({"password": "\u200b\u200b\u200b"}, "password_wrong"),
        ({"password": "\u00a0"}, "password_wrong"),
        ({"password": ["correct"]}, "password_wrong"),
        ({"password": {"a": 1}}, "password_wrong"),
        ({"password": 5}, "password_wrong"),
        ({"password": "\ud800" * 12}, "password_wrong"),
        ({"password": PASSWORD + "\x00"}, "password_wrong"),
        ({"password": "x" * 65536}, "password_wrong"),
        ({"password": PASSWORD.upper()}, "password_wrong"),
        ({"code": ""}, "code_wrong"),
        ({"code": "000000"}, "code_wrong"),
        ({"code": "x" * 65536}, "code_wrong"),
        ({"code": ["1"]}, "code_wrong"),
        ({"code": "\ud800"}, "code_wrong"),
        ({"code": "aaaa-aaaa-aaaa-aaaa"}, "code_wrong"),
    ],
)
async def test_every_failure_looks_the_same(
    identity: Identity, owner: Someone, fields: dict[str, Any], cause: str
) -> None:
    """One error, one password verification, one entry in the ledger; only that says why."""
    before = identity.passwords.verifications
    with pytest.raises(SignInRefusedError) as refused:
        await sign_in(identity, owner, **fields)
    assert str(refused.value) == SignInRefusedError.summary
    assert identity.passwords.verifications == before + 1
    assert await ledger_facts("sign_in.refused") == [{"cause": cause}]


async def test_a_mistyped_password_in_the_address_field_is_not_recorded(identity: Identity, owner: Someone) -> None:
    """Only what is an address is kept."""
    for typed in (PASSWORD, "nobody@example.org"):
        with pytest.raises(SignInRefusedError):
            await sign_in(identity, owner, email=typed)
    async with read_connection() as connection:
        rows = await connection.fetch("SELECT content FROM ledger_payload")
    contents = " ".join(row["content"] for row in rows)
    assert PASSWORD not in contents
    assert "nobody@example.org" in contents


async def test_who_cannot_come_in_is_refused_like_a_stranger(identity: Identity, owner: Someone) -> None:
    """An invited person without a credential, and a disabled one with everything right."""
    await identity.people.invite(OPERATOR, display_name="I", email="ivy@example.org", role=Role.MEMBER, now=NOW)
    member = await make_person(identity, Role.MEMBER, "mia@example.org", NOW)
    await identity.people.disable(OPERATOR, member.id, NOW)
    before = identity.passwords.verifications
    with pytest.raises(SignInRefusedError):
        await sign_in(identity, owner, email="ivy@example.org")
    with pytest.raises(SignInRefusedError):
        await sign_in(identity, member)
    assert identity.passwords.verifications == before + 2
    causes = {facts["cause"] for facts in await ledger_facts("sign_in.refused")}
    assert causes == {"no_credential", "person_disabled"}


async def test_a_code_works_once(identity: Identity, owner: Someone) -> None:
    """Not again, and no older one after a newer one; one step of delay either way is borne."""
    codes = [owner.code(NOW), owner.code(NOW)]
    assert await sign_in(identity, owner, code=codes[1][:3] + " " + codes[1][3:])
    for code in codes:
        with pytest.raises(SignInRefusedError):
            await sign_in(identity, owner, code=code)
    assert await ledger_facts("sign_in.refused") == [{"cause": "code_used"}] * 2
    late = NOW + timedelta(seconds=5 * STEP_SECONDS)
    code = owner.code(late)
    with pytest.raises(SignInRefusedError):
        await sign_in(identity, owner, code=code, now=late + timedelta(seconds=2 * STEP_SECONDS))
    assert await sign_in(identity, owner, code=code, now=late + timedelta(seconds=STEP_SECONDS))


async def test_a_recovery_code_stands_in_once(identity: Identity, owner: Someone) -> None:
    """However it is typed; the others stay."""
    first, second, *_ = owner.recovery_codes
    assert await sign_in(identity, owner, code=first.upper().replace("-", " "))
    with pytest.raises(SignInRefusedError):
        await sign_in(identity, owner, code=first)
    assert await sign_in(identity, owner, code=second)
    assert [facts["factor"] for facts in await ledger_facts("sign_in.succeeded")] == ["recovery_code"] * 2
    async with read_connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM recovery_code") == 8


async def test_one_password_in_every_form_of_unicode(identity: Identity) -> None:
    """Composed or decomposed, with plain or no-break spaces; invisible joiners of an emoji count."""
    link = await identity.links.create_owner_link(OPERATOR, now=NOW)
    typed = f"Zu\u0308rich grüßt {FAMILY} heute"
    pending = await identity.claims.set_password(
        link.token, display_name="Ada", email="ada@example.org", password=typed, now=NOW
    )
    someone = Someone(link.link_id, "ada@example.org", "", pending.secret, (), 0)
    claimed = await identity.claims.confirm_totp(pending.token, someone.code(NOW), HERE, NOW)
    assert claimed.session
    assert await sign_in(identity, someone, password=f"Zürich\u00a0grüßt {FAMILY} heute")
    with pytest.raises(SignInRefusedError):
        await sign_in(identity, someone, password="Zürich grüßt \U0001f468\U0001f469\U0001f467 heute", code="000000")


@pytest.mark.parametrize("factor", ["totp", "recovery_code"])
async def test_of_twenty_uses_of_one_code_at_once_one_wins(committed_database: object, factor: str) -> None:
    """The others are refused, and every one of them is recorded."""
    identity = built_with(Passwords(CHEAP))
    owner = await make_owner(identity, NOW)
    code = owner.code(NOW) if factor == "totp" else owner.recovery_codes[0]
    done = await asyncio.gather(*(sign_in(identity, owner, code=code) for _ in range(20)), return_exceptions=True)
    assert len([each for each in done if isinstance(each, NewSession)]) == 1
    assert len([each for each in done if isinstance(each, SignInRefusedError)]) == 19
    events = await ledger_events()
    assert (events["sign_in.succeeded"], events["sign_in.refused"]) == (1, 19)
    identity.close()


async def test_disabling_and_signing_in_at_once_leaves_no_session(committed: Identity) -> None:
    """Whichever comes first, a disabled person has no live session afterwards."""
    await make_owner(committed, NOW)
    for number in range(6):
        member = await make_person(committed, Role.MEMBER, f"m{number}@example.org", NOW)
        origin = Origin(address=f"192.0.2.{number}")
        await asyncio.gather(
            sign_in(committed, member, origin=origin),
            committed.people.disable(OPERATOR, member.id, NOW),
            return_exceptions=True,
        )
        async with read_connection() as connection:
            assert await connection.fetchval("SELECT count(*) FROM session WHERE person = $1", member.id) == 0


async def test_the_stored_hash_follows_the_cost(identity: Identity, owner: Someone) -> None:
    """The next sign-in after a change of cost renews it, and the password goes on working."""
    dearer = built_with(Passwords(Cost(passes=2, memory_kib=16, lanes=1)))
    assert await sign_in(dearer, owner)
    async with read_connection() as connection:
        stored = await connection.fetchval("SELECT password_hash FROM local_credential")
    assert stored.startswith("$argon2id$v=19$m=16,t=2,p=1$")
    assert await sign_in(dearer, owner)
    dearer.close()


async def test_the_real_cost_signs_in(rolled_back_database: object) -> None:
    """RFC 9106's second recommended option, from claim to sign-in."""
    identity = built_with(Passwords())
    owner = await make_owner(identity, NOW)
    assert await sign_in(identity, owner)
    async with read_connection() as connection:
        stored = await connection.fetchval("SELECT password_hash FROM local_credential")
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    identity.close()


async def test_a_busy_service_costs_nobody_an_attempt(identity: Identity, owner: Someone) -> None:
    """With the queue full the answer is busy, and the attempt is not counted as a failure."""
    identity.passwords._under_way = identity.passwords.at_once + identity.passwords.waiting
    for _ in range(20):
        with pytest.raises(SignInBusyError):
            await sign_in(identity, owner, code="0")
    identity.passwords._under_way = 0
    assert await sign_in(identity, owner)
    async with read_connection() as connection:
        assert await connection.fetchval("SELECT max(failures) FROM sign_in_throttle") == 0


async def test_another_key_opens_no_authenticator(identity: Identity, owner: Someone) -> None:
    """With the wrong key file the right password says so, and a wrong one is refused as ever."""
    other = build_identity(
        b"another key".ljust(32),
        limits=Limits(),
        sign_in_attempts_per_minute=10,
        owner_link_minutes=60,
        issuer="OpenLeash",
        passwords=identity.passwords,
    )
    with pytest.raises(SealBrokenError):
        await sign_in(other, owner)
    with pytest.raises(LeashError, match="code is wrong"):
        await sign_in(other, owner, password="wrong password")
