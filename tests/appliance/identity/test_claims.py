"""From a one-time link to an account: what is asked, what is bounded, and what happens only once."""

import asyncio
import re
from datetime import timedelta

import pytest
from pyotp.totp import TOTP

from appliance.database.connection import read_connection
from appliance.errors import LeashError
from appliance.identity.claims import WRONG_CODES_MAX
from appliance.identity.errors import (
    ClaimInvalidError,
    CodeRefusedError,
    EmailTakenError,
    LinkInvalidError,
    PasswordRefusedError,
)
from appliance.identity.records import Claimed, Limits, LinkPurpose, PendingClaim, Role
from appliance.identity.service import Identity
from tests.support.people import HERE, NOW, OPERATOR, PASSWORD, Someone, claim, ledger_events, ledger_facts, make_owner

ADA = {"display_name": "Ada Lovelace", "email": "Ada@Example.org"}


async def _begun(identity: Identity) -> tuple[str, PendingClaim]:
    link = await identity.links.create_owner_link(OPERATOR, now=NOW)
    return link.token, await identity.claims.set_password(link.token, **ADA, password=PASSWORD, now=NOW)


def _code(pending: PendingClaim) -> str:
    return TOTP(pending.secret).at(int(NOW.timestamp()))


async def test_an_owner_link_makes_an_owner_who_is_signed_in(identity: Identity) -> None:
    """The address is prepared, the secret is shown as QR code, and the account exists only after the code."""
    link, pending = await _begun(identity)
    assert await identity.people.list() == ()
    assert await identity.claims.show(pending.token, NOW) == pending
    assert re.fullmatch(r"olc_[A-Za-z0-9_-]{43}", pending.token)
    assert re.fullmatch(r"[A-Z2-7]{32}", pending.secret)
    assert pending.uri.startswith("otpauth://totp/OpenLeash:ada%40example.org?secret=" + pending.secret)
    assert pending.qr_svg.startswith("<svg")
    assert "<style" not in pending.qr_svg
    claimed = await identity.claims.confirm_totp(pending.token, _code(pending), HERE, NOW)
    signed_in = await identity.sessions.authenticate(claimed.session.token, NOW)
    assert signed_in
    assert signed_in.email == "ada@example.org"
    assert signed_in.roles == {Role.OWNER}
    assert len(set(claimed.recovery_codes)) == 10
    for step in (identity.links.offer(link, NOW), identity.claims.show(pending.token, NOW)):
        with pytest.raises((LinkInvalidError, ClaimInvalidError)):
            await step
    assert await ledger_events() == {"owner_link.created": 1, "role.granted": 1, "credential.set": 1}


async def test_nothing_of_a_claim_is_stored_in_the_clear(identity: Identity) -> None:
    """Neither tokens nor the secret, the password or recovery codes."""
    link, pending = await _begun(identity)
    async with read_connection() as connection:
        texts = [str(await connection.fetchval("SELECT c::text FROM pending_claim c"))]
        texts.append(str(await connection.fetchval("SELECT l::text FROM sign_up_link l")))
        claimed = await identity.claims.confirm_totp(pending.token, _code(pending), HERE, NOW)
        for table in ("local_credential", "recovery_code", "session", "ledger_entry", "ledger_payload"):
            rows = await connection.fetch(f"SELECT t::text FROM {table} t")  # noqa: S608 - names above
            texts += [row[0] for row in rows]
    told = (link, pending.token, pending.secret, PASSWORD, claimed.session.token, *claimed.recovery_codes)
    for text in told:
        for form in (text, text.encode().hex(), text.replace("-", "")):
            assert not any(form in stored for stored in texts), text


async def test_wrong_codes_are_counted_recorded_and_bounded(identity: Identity) -> None:
    """After the last one not even the right code helps; starting over by the link does."""
    link, pending = await _begun(identity)
    for code in ("000000", "", "abc", "१२३४५६", None)[:WRONG_CODES_MAX]:
        with pytest.raises(CodeRefusedError):
            await identity.claims.confirm_totp(pending.token, code, HERE, NOW)
    with pytest.raises(ClaimInvalidError):
        await identity.claims.confirm_totp(pending.token, _code(pending), HERE, NOW)
    with pytest.raises(ClaimInvalidError):
        await identity.claims.show(pending.token, NOW)
    numbers = sorted(facts["wrong_codes"] for facts in await ledger_facts("claim.refused"))
    assert numbers == list(range(1, WRONG_CODES_MAX + 1))
    again = await identity.claims.set_password(link, **ADA, password=PASSWORD, now=NOW)
    assert again.secret != pending.secret
    assert await identity.claims.confirm_totp(again.token, _code(again), HERE, NOW)


async def test_a_claim_ends_with_its_time(identity: Identity) -> None:
    """A code in time finishes it even if the link has just expired; a late one does not."""
    link = await identity.links.create_owner_link(OPERATOR, now=NOW)
    last = link.expires_at - timedelta(seconds=1)
    pending = await identity.claims.set_password(link.token, **ADA, password=PASSWORD, now=last)
    late = last + timedelta(minutes=Limits().claim_minutes)
    with pytest.raises(ClaimInvalidError):
        await identity.claims.confirm_totp(pending.token, TOTP(pending.secret).at(late), HERE, late)
    in_time = late - timedelta(seconds=1)
    assert await identity.claims.confirm_totp(pending.token, TOTP(pending.secret).at(in_time), HERE, in_time)


@pytest.mark.parametrize(
    "password",
    [
        "", " " * 20, "\u200b" * 20, "\u00a0" * 20, "short", "aaaaaaaaaaaaaaaa", "ada@example.org-1", "x" * 1025,
        "nul\x00in the middle", "lone \ud800 surrogate", None, 12345678901234, ["correct", "horse"], {"a": 1},
    ],
)  # fmt: skip
async def test_passwords_that_do_not_protect_are_refused(identity: Identity, password: object) -> None:
    """Empty, invisible, short, uniform, holding the address, too long, or no text at all; nothing is begun."""
    link = await identity.links.create_owner_link(OPERATOR, now=NOW)
    with pytest.raises(PasswordRefusedError):
        await identity.claims.set_password(link.token, **ADA, password=password, now=NOW)
    async with read_connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM pending_claim") == 0


@pytest.mark.parametrize("token", ["", "oll_", "oll_" + "A" * 43, "ols_" + "A" * 43, "oll_" + "A" * 65536, "oll_\x00"])
async def test_unknown_links_and_claims_are_refused(identity: Identity, token: str) -> None:
    """Whatever the text, the answer is that the link does not work, and strangers leave no entry."""
    with pytest.raises(LinkInvalidError):
        await identity.links.offer(token, NOW)
    with pytest.raises(LinkInvalidError):
        await identity.claims.set_password(token, **ADA, password=PASSWORD, now=NOW)
    with pytest.raises(ClaimInvalidError):
        await identity.claims.confirm_totp(token.replace("oll_", "olc_"), "123456", HERE, NOW)
    assert await ledger_events() == {}


async def test_an_address_has_one_account(identity: Identity, owner: Someone) -> None:
    """Also in another spelling, and also if it is taken between the two steps."""
    link = await identity.links.create_owner_link(OPERATOR, now=NOW, is_another=True)
    with pytest.raises(EmailTakenError):
        await identity.claims.set_password(link.token, **ADA, password=PASSWORD, now=NOW)
    fields = {"display_name": "Bob", "email": "bob@example.org", "password": PASSWORD}
    pending = await identity.claims.set_password(link.token, **fields, now=NOW)
    await identity.people.invite(OPERATOR, display_name="B", email="BOB@example.org", role=Role.MEMBER, now=NOW)
    with pytest.raises(EmailTakenError):
        await identity.claims.confirm_totp(pending.token, _code(pending), HERE, NOW)


async def test_an_invited_person_keeps_name_and_address(identity: Identity) -> None:
    """What the form sends in their place is not read."""
    link = await identity.people.invite(
        OPERATOR, display_name="Mia", email="mia@example.org", role=Role.MEMBER, now=NOW
    )
    offer = await identity.links.offer(link.token, NOW)
    assert (offer.purpose, offer.display_name, offer.email) == (LinkPurpose.INVITATION, "Mia", "mia@example.org")
    await claim(identity, link, NOW, email="owner@example.org", display_name="The owner")
    [person] = await identity.people.list()
    assert (person.display_name, person.email) == ("Mia", "mia@example.org")
    assert person.roles == {Role.MEMBER}
    assert person.has_credential


async def test_a_disabled_person_cannot_finish(identity: Identity) -> None:
    """Disabling ends the link and the claim under way."""
    link = await identity.people.invite(
        OPERATOR, display_name="Mia", email="mia@example.org", role=Role.MEMBER, now=NOW
    )
    pending = await identity.claims.set_password(link.token, password=PASSWORD, now=NOW)
    assert link.person_id
    await identity.people.disable(OPERATOR, link.person_id, NOW)
    with pytest.raises(LinkInvalidError):
        await identity.links.offer(link.token, NOW)
    with pytest.raises(ClaimInvalidError):
        await identity.claims.confirm_totp(pending.token, _code(pending), HERE, NOW)


async def test_one_link_makes_one_owner(committed: Identity) -> None:
    """Twenty confirmations at once, of two claims by one link: one finishes."""
    link = await committed.links.create_owner_link(OPERATOR, now=NOW)
    people = [{"display_name": name, "email": f"{name}@example.org"} for name in ("ada", "eve")]
    begun = await asyncio.gather(
        *(committed.claims.set_password(link.token, **each, password=PASSWORD, now=NOW) for each in people)
    )
    done = await asyncio.gather(
        *(committed.claims.confirm_totp(each.token, _code(each), HERE, NOW) for each in (*begun, *begun) * 5),
        return_exceptions=True,
    )
    assert len([each for each in done if isinstance(each, Claimed)]) == 1
    assert {type(each) for each in done if not isinstance(each, Claimed)} == {ClaimInvalidError}
    assert len(await committed.people.list()) == 1
    events = await ledger_events()
    assert (events["credential.set"], events["role.granted"]) == (1, 1)


async def test_a_claim_that_fails_leaves_nothing(committed: Identity) -> None:
    """An address that was taken meanwhile rolls everything back; the link still works."""
    first = await committed.links.create_owner_link(OPERATOR, now=NOW)
    pending = await committed.claims.set_password(first.token, **ADA, password=PASSWORD, now=NOW)
    await committed.people.invite(OPERATOR, display_name="A", email="ada@example.org", role=Role.OWNER, now=NOW)
    with pytest.raises(LeashError, match="exists already"):
        await committed.claims.confirm_totp(pending.token, _code(pending), HERE, NOW)
    assert (await ledger_events())["role.granted"] == 0
    assert await committed.links.offer(first.token, NOW)
    assert await make_owner(committed, NOW, "grace@example.org")
