"""The owner behind glass: who comes in by the sheet, for how long, and who hears of it."""

from datetime import timedelta

import pytest

from appliance.database.connection import read_connection
from appliance.database.transaction import transaction
from appliance.errors import LeashError
from appliance.identity.break_glass.errors import (
    ConfirmationRefusedError,
    NobodySealedError,
    SealedElsewhereError,
    SealRefusedError,
    UnsealingUnconfirmedError,
    UnsealingUnknownError,
    UnsealRefusedError,
)
from appliance.identity.break_glass.records import Sheet, Unsealed
from appliance.identity.break_glass.service import BreakGlass
from appliance.identity.changes import NOBODY
from appliance.identity.errors import (
    LastOwnerError,
    PersonDisabledError,
    RoleChangeRefusedError,
    SignInRefusedError,
    SignInThrottledError,
)
from appliance.identity.records import Origin, Role, SessionKind
from appliance.identity.service import Identity
from tests.appliance.identity.break_glass.conftest import Bell
from tests.support.people import HERE, NOW, OPERATOR, PASSWORD, Someone, ledger_events, ledger_facts, make_person

ADDRESS = "glass@example.org"
MINUTE = timedelta(minutes=1)


async def _unseal(glass: BreakGlass, sheet: Sheet, origin: Origin = HERE) -> Unsealed:
    return await glass.unseal(NOBODY, password=sheet.password, token=sheet.token, origin=origin, now=NOW)


async def _guess(glass: BreakGlass, origin: Origin) -> LeashError:
    try:
        await glass.unseal(NOBODY, password="aaaa", token="aaaa", origin=origin, now=NOW)
    except LeashError as problem:
        return problem
    pytest.fail("a guess was accepted")


async def test_the_sheet_opens_a_session_for_its_time(identity: Identity, owner: Someone, alone: BreakGlass) -> None:
    """An hour as owner, with the marker in everything that is done; then nothing, and a new sheet is needed."""
    sheet = await alone.seal(OPERATOR, ADDRESS, NOW)
    session = await alone.open_session((await _unseal(alone, sheet)).token, HERE, NOW)
    signed_in = await identity.sessions.authenticate(session.token, NOW + 59 * MINUTE)
    assert signed_in is not None
    assert (signed_in.kind, signed_in.roles) == (SessionKind.BREAK_GLASS, frozenset({Role.OWNER}))
    mia = await make_person(identity, Role.MEMBER, "mia@example.org", NOW)
    await identity.people.disable(signed_in.actor, mia.id, NOW)
    assert (await ledger_facts("person.disabled"))[-1]["marker"] == "break_glass"
    assert await identity.sessions.authenticate(session.token, NOW + 60 * MINUTE) is None
    with pytest.raises(UnsealRefusedError):
        await _unseal(alone, sheet)
    assert [each["cause"] for each in await ledger_facts("break_glass.refused")] == ["sheet_used"]


async def test_everybody_hears_of_it(
    identity: Identity, alone: BreakGlass, bell: Bell, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ledger, log at level warning, alarm and the banner; a broken alarm keeps nobody out."""
    sheet = await alone.seal(OPERATOR, ADDRESS, NOW)
    bell.is_broken = True
    assert await alone.open_until(NOW) is None
    session = await alone.open_session((await _unseal(alone, sheet)).token, HERE, NOW)
    assert await alone.open_until(NOW) == session.expires_at
    assert bell.rung == ["break_glass.begun", "break_glass.opened"]
    assert "warning" in capsys.readouterr().out
    await alone.close_ended(NOW + 59 * MINUTE)
    assert await alone.open_until(NOW + 59 * MINUTE)
    await alone.close_ended(NOW + 60 * MINUTE)
    assert await alone.open_until(NOW + 60 * MINUTE) is None
    assert bell.rung[-1] == "break_glass.closed"
    found = await ledger_events()
    assert [found[f"break_glass.{each}"] for each in ("sealed", "begun", "opened", "closed")] == [1, 1, 1, 1]


async def test_signing_out_closes_it_early(identity: Identity, alone: BreakGlass) -> None:
    """The session that was ended by hand is over, and so is the banner."""
    sheet = await alone.seal(OPERATOR, ADDRESS, NOW)
    session = await alone.open_session((await _unseal(alone, sheet)).token, HERE, NOW)
    signed_in = await identity.sessions.authenticate(session.token, NOW)
    assert signed_in
    await identity.sessions.sign_out(signed_in, NOW)
    await alone.close_ended(NOW + MINUTE)
    assert await alone.open_until(NOW + MINUTE) is None
    status = await alone.status(NOW + MINUTE)
    assert status
    assert (status.has_token, status.open_until) == (False, None)


async def test_no_everyday_way_leads_in(identity: Identity, owner: Someone, alone: BreakGlass) -> None:
    """Neither the old password, nor a session of before, nor a script's, nor a new link lets the sealed owner in."""
    other = await make_person(identity, Role.OWNER, ADDRESS, NOW)
    await alone.seal(OPERATOR, ADDRESS, NOW)
    assert await identity.sessions.authenticate(other.token, NOW) is None
    with pytest.raises(SignInRefusedError):
        await identity.sign_ins.sign_in(email=ADDRESS, password=PASSWORD, code=other.code(NOW), origin=HERE, now=NOW)
    with pytest.raises(PersonDisabledError):
        await identity.sessions.create_script_session(OPERATOR, other.id, 60, NOW)
    async with transaction():
        stray = await identity.sessions.begin(other.id, SessionKind.BROWSER, HERE, NOW)
    assert await identity.sessions.authenticate(stray.token, NOW) is None
    assert not (await identity.people.by_email(ADDRESS)).can_come_in


async def test_sealing_leaves_an_everyday_owner(identity: Identity, owner: Someone, alone: BreakGlass) -> None:
    """The last owner stays outside; only owners go in, one of them; and only the operator does that."""
    with pytest.raises(LastOwnerError):
        await alone.seal(OPERATOR, owner.email, NOW)
    member = await make_person(identity, Role.MEMBER, "mia@example.org", NOW)
    with pytest.raises(SealRefusedError):
        await alone.seal(OPERATOR, member.email, NOW)
    with pytest.raises(RoleChangeRefusedError):
        await alone.seal(owner.actor, ADDRESS, NOW)
    with pytest.raises(NobodySealedError):
        await alone.remove(OPERATOR, NOW)
    await alone.seal(OPERATOR, ADDRESS, NOW)
    with pytest.raises(SealedElsewhereError):
        await alone.seal(OPERATOR, "glass-2@example.org", NOW)


async def test_a_new_sheet_replaces_the_old_one(alone: BreakGlass) -> None:
    """Whatever was printed before is worthless; what stands on paper is not in the database."""
    old, new = await alone.seal(OPERATOR, ADDRESS, NOW), await alone.seal(OPERATOR, ADDRESS, NOW)
    with pytest.raises(UnsealRefusedError):
        await _unseal(alone, old)
    async with read_connection() as connection:
        stored = await connection.fetchrow("SELECT * FROM sealed_owner")
    assert stored["password_hash"].startswith("$argon2id$")
    assert new.token.encode() not in stored["token_hash"]
    typed = new.token.upper().replace("-", " ")
    done = await alone.unseal(NOBODY, password=f" {new.password} ", token=typed, origin=HERE, now=NOW)
    assert done.is_confirmed


async def test_half_a_sheet_opens_nothing(alone: BreakGlass) -> None:
    """Both lines are needed, and the answer to each failure is the same, also where nobody is behind glass."""
    with pytest.raises(UnsealRefusedError) as nobody:
        await alone.unseal(NOBODY, password="a", token="b", origin=HERE, now=NOW)
    sheet = await alone.seal(OPERATOR, ADDRESS, NOW)
    for password, token in ((sheet.password, ""), ("", sheet.token), (sheet.token, sheet.password), (None, [1])):
        with pytest.raises(UnsealRefusedError) as half:
            await alone.unseal(NOBODY, password=password, token=token, origin=HERE, now=NOW + 9 * MINUTE)
        assert (half.value.detail, half.value.next_step) == (nobody.value.detail, nobody.value.next_step)


async def test_guessing_is_throttled_and_shuts_nobody_else_out(identity: Identity, alone: BreakGlass) -> None:
    """A guesser waits after a few tries; the sheet works from elsewhere, and on the machine, all the same."""
    sheet = await alone.seal(OPERATOR, ADDRESS, NOW)
    guesser = Origin(address="198.51.100.66")
    verified = identity.passwords.verifications
    outcomes = {type(await _guess(alone, guesser)) for _ in range(100)}
    assert outcomes == {UnsealRefusedError, SignInThrottledError}
    assert identity.passwords.verifications - verified <= 10
    with pytest.raises(SignInThrottledError):
        await _unseal(alone, sheet, guesser)
    await _unseal(alone, sheet)
    from_machine = await alone.unseal(OPERATOR, password=sheet.password, token=sheet.token, origin=Origin(), now=NOW)
    assert from_machine.is_confirmed


async def test_a_second_person_must_confirm(identity: Identity, owner: Someone, together: BreakGlass) -> None:
    """Until then the first one waits; administrators, auditors and strangers do not count."""
    sheet = await together.seal(OPERATOR, ADDRESS, NOW)
    begun = await _unseal(together, sheet)
    assert not begun.is_confirmed
    with pytest.raises(UnsealingUnconfirmedError):
        await together.open_session(begun.token, HERE, NOW)
    [waiting] = await together.waiting(NOW)
    auditor = await make_person(identity, Role.AUDITOR, "aud@example.org", NOW)
    administrator = await make_person(identity, Role.ADMINISTRATOR, "adm@example.org", NOW)
    for actor in (administrator.actor, auditor.actor, NOBODY):
        with pytest.raises(ConfirmationRefusedError):
            await together.confirm(actor, waiting.id, NOW)
    await together.confirm(owner.actor, waiting.id, NOW + 14 * MINUTE)
    session = await together.open_session(begun.token, HERE, NOW + 15 * MINUTE)
    assert session.expires_at == NOW + 75 * MINUTE
    [facts] = await ledger_facts("break_glass.opened")
    assert facts["confirmed_by"] == f"person:{owner.id}"


async def test_confirmation_comes_in_time_or_not_at_all(owner: Someone, together: BreakGlass) -> None:
    """After fifteen minutes it is too late; the sheet, which opened nothing, still works."""
    sheet = await together.seal(OPERATOR, ADDRESS, NOW)
    begun = await _unseal(together, sheet)
    [waiting] = await together.waiting(NOW)
    with pytest.raises(UnsealingUnknownError):
        await together.confirm(owner.actor, waiting.id, NOW + 15 * MINUTE)
    with pytest.raises(UnsealingUnknownError):
        await together.open_session(begun.token, HERE, NOW + 15 * MINUTE)
    assert not (await _unseal(together, sheet)).is_confirmed


async def test_the_operator_is_a_second_person_only_to_others(owner: Someone, together: BreakGlass) -> None:
    """What began on a page they may confirm; what they began themselves somebody else must."""
    sheet = await together.seal(OPERATOR, ADDRESS, NOW)
    await together.unseal(OPERATOR, password=sheet.password, token=sheet.token, origin=Origin(), now=NOW)
    [waiting] = await together.waiting(NOW)
    with pytest.raises(ConfirmationRefusedError):
        await together.confirm(OPERATOR, waiting.id, NOW)
    await _unseal(together, sheet)
    [waiting] = await together.waiting(NOW)
    await together.confirm(OPERATOR, waiting.id, NOW)


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMINISTRATOR])
async def test_a_second_person_can_stop_it(
    identity: Identity, owner: Someone, together: BreakGlass, role: Role
) -> None:
    """Then the first one's page leads nowhere; whoever could not let it go on may stop it all the same."""
    sheet = await together.seal(OPERATOR, ADDRESS, NOW)
    begun = await _unseal(together, sheet)
    [waiting] = await together.waiting(NOW)
    second = await make_person(identity, role, "adm@example.org", NOW)
    auditor = await make_person(identity, Role.AUDITOR, "aud@example.org", NOW)
    with pytest.raises(ConfirmationRefusedError):
        await together.stop(auditor.actor, waiting.id, NOW)
    await together.stop(second.actor, waiting.id, NOW)
    with pytest.raises(UnsealingUnknownError):
        await together.open_session(begun.token, HERE, NOW)
    assert (await ledger_events())["break_glass.stopped"] == 1


async def test_one_sheet_opens_one_session(alone: BreakGlass) -> None:
    """Of two browsers with the same unsealing, one comes in; a disabled owner does not."""
    sheet = await alone.seal(OPERATOR, ADDRESS, NOW)
    begun = await _unseal(alone, sheet)
    await alone.open_session(begun.token, HERE, NOW)
    with pytest.raises(UnsealingUnknownError):
        await alone.open_session(begun.token, HERE, NOW)


async def test_a_disabled_owner_stays_behind_glass(identity: Identity, owner: Someone, alone: BreakGlass) -> None:
    """Whoever disables the sealed owner locks the last door too."""
    sheet = await alone.seal(OPERATOR, ADDRESS, NOW)
    begun = await _unseal(alone, sheet)
    await identity.people.disable(owner.actor, (await identity.people.by_email(ADDRESS)).id, NOW)
    with pytest.raises(UnsealingUnknownError):
        await alone.open_session(begun.token, HERE, NOW)
    with pytest.raises(UnsealRefusedError):
        await _unseal(alone, sheet)


async def test_taken_out_again_they_need_a_new_way_in(identity: Identity, alone: BreakGlass) -> None:
    """The sheet is worthless, and a reset by the operator gives the person an everyday credential."""
    sheet = await alone.seal(OPERATOR, ADDRESS, NOW)
    await alone.remove(OPERATOR, NOW)
    with pytest.raises(UnsealRefusedError):
        await _unseal(alone, sheet)
    assert await alone.status(NOW) is None
    person = await identity.people.by_email(ADDRESS)
    assert not person.can_come_in
    link = await identity.people.reset_credential(OPERATOR, person.id, NOW)
    assert (await identity.links.offer(link.token, NOW)).email == ADDRESS
