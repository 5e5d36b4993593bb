"""Taking an account of a source from a person: what ends, and when it is refused."""

from uuid import UUID

import pytest

from appliance.database.identifiers import uuid7
from appliance.database.transaction import transaction
from appliance.identity import accounts
from appliance.identity.errors import (
    AccountUnknownError,
    LastOwnerError,
    RoleChangeRefusedError,
    UnlinkRefusedError,
)
from appliance.identity.queries import has_owner, person_by_id
from appliance.identity.records import Role, Source, SourceKind
from appliance.identity.service import Identity
from tests.appliance.identity.external import CORP, STAFF, disable, group, profile, provision, tell
from tests.support.people import NOW, OPERATOR, Someone, ledger_facts, make_owner, make_person


async def link(person: UUID, key: str, source: Source = CORP) -> UUID:
    """One more account of somebody; its identifier."""
    async with transaction():
        await accounts.link(OPERATOR, source, profile(key), person, NOW)
    found = await accounts.find_account(source, key)
    assert found is not None
    return found.id


async def only_account(person: UUID) -> UUID:
    """The identifier of somebody's one account."""
    (account,) = await accounts.accounts_of_person(person)
    return account.id


async def test_sessions_end_and_what_the_groups_gave_goes(identity: Identity, owner: Someone) -> None:
    """At once; the person stays with their own roles, and the ledger has it without a name."""
    mia = await make_person(identity, Role.MEMBER, "mia@example.org", NOW)
    account = await link(mia.id, "mia")
    await tell({"g": "Leads"}, {"mia": frozenset({"g"})})
    await identity.group_grants.grant(OPERATOR, (await group("g")).id, "auditor", NOW)
    before = await identity.sessions.authenticate(mia.token, NOW)
    assert before is not None
    assert before.roles == {Role.MEMBER, Role.AUDITOR}
    ended = await identity.people.unlink(owner.actor, mia.id, account, NOW)
    assert ended >= 1
    assert await identity.sessions.authenticate(mia.token, NOW) is None
    person = await person_by_id(mia.id)
    assert person.roles == {Role.MEMBER}
    assert not person.sources
    assert not person.groups
    assert (await group("g")).members == 0
    assert await ledger_facts("account.unlinked") == [{"source": str(CORP), "account": str(account), "sessions": ended}]
    with pytest.raises(AccountUnknownError):
        await identity.people.unlink(owner.actor, mia.id, account, NOW)


async def test_the_only_way_in_is_not_taken(identity: Identity, owner: Someone) -> None:
    """Neither an account of a SCIM client, by which nobody comes in; a second account, or being disabled, will do."""
    ida = await provision("ida")
    account = await only_account(ida)
    scim = Source(SourceKind.SCIM, "entra")
    written = await link(ida, "ida-scim", scim)
    with pytest.raises(UnlinkRefusedError, match="only way in"):
        await identity.people.unlink(owner.actor, ida, account, NOW)
    with pytest.raises(UnlinkRefusedError, match="provider"):
        await identity.people.unlink(owner.actor, ida, written, NOW)
    await link(ida, "ida@staff", STAFF)
    await identity.people.unlink(owner.actor, ida, account, NOW)
    ben = await provision("ben")
    await identity.people.disable(owner.actor, ben, NOW)
    await identity.people.unlink(owner.actor, ben, await only_account(ben), NOW)
    assert [each["code"] for each in await ledger_facts("role_change.refused")] == ["unlink_refused"] * 2


async def test_whom_the_account_kept_out_stays_out_until_an_administrator_lets_them_in(
    identity: Identity, owner: Someone
) -> None:
    """No source is left that could enable them, so that an administrator may; unless another source keeps them out."""
    ida = await provision("ida")
    await disable("ida")
    await identity.people.unlink(owner.actor, ida, await only_account(ida), NOW)
    person = await person_by_id(ida)
    assert (person.is_disabled, person.disabled_by) == (True, "")
    await identity.people.enable(owner.actor, ida, NOW)
    ben = await provision("ben")
    first = await only_account(ben)
    await link(ben, "ben@staff", STAFF)
    await disable("ben@staff", source=STAFF)
    await disable("ben")
    await identity.people.unlink(owner.actor, ben, first, NOW)
    assert (await person_by_id(ben)).disabled_by == str(STAFF)


async def test_who_may_not_is_refused(identity: Identity, owner: Someone) -> None:
    """Nobody unlinks their own account, only owners those of owners, and nobody an account of somebody else's."""
    admin = await make_person(identity, Role.ADMINISTRATOR, "adm@example.org", NOW)
    mia = await make_person(identity, Role.MEMBER, "mia@example.org", NOW)
    own, owners, mias = await link(admin.id, "adm"), await link(owner.id, "ada"), await link(mia.id, "mia")
    for actor, person, account in (
        (admin.actor, admin.id, own),
        (admin.actor, owner.id, owners),
        (mia.actor, admin.id, own),
    ):
        with pytest.raises(RoleChangeRefusedError):
            await identity.people.unlink(actor, person, account, NOW)
    for account in (mias, uuid7()):
        with pytest.raises(AccountUnknownError):
            await identity.people.unlink(owner.actor, admin.id, account, NOW)
    await identity.people.unlink(admin.actor, mia.id, mias, NOW)


async def test_the_last_owner_keeps_the_account_that_makes_them_one(committed: Identity) -> None:
    """Nothing is changed then; with another owner it goes."""
    ida = await provision("ida")
    await link(ida, "ida@staff", STAFF)
    await tell({"g": "Leads"}, {"ida": frozenset({"g"})})
    await committed.group_grants.grant(OPERATOR, (await group("g")).id, "owner", NOW)
    known = await accounts.find_account(CORP, "ida")
    assert known is not None
    with pytest.raises(LastOwnerError):
        await committed.people.unlink(OPERATOR, ida, known.id, NOW)
    assert await has_owner()
    assert (await group("g")).members == 1
    await make_owner(committed, NOW)
    await committed.people.unlink(OPERATOR, ida, known.id, NOW)
    assert (await person_by_id(ida)).sources == {str(STAFF)}
