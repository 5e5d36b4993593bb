"""Groups of a provider: what they give here is granted by people, and the last owner keeps it."""

import asyncio
from uuid import UUID

import pytest

from appliance.database.connection import read_connection
from appliance.identity.provisioning.errors import LastOwnerKeptError, NotUniqueError, ProvisioningError
from appliance.identity.provisioning.groups import change_group, create_group, delete_group
from appliance.identity.provisioning.queries import group_by_id, user_by_id
from appliance.identity.provisioning.records import GroupChange, GroupContent, MemberStep, ProvisionedGroup
from appliance.identity.provisioning.users import create_user, delete_user
from appliance.identity.records import Role
from appliance.identity.service import Identity
from tests.appliance.identity.provisioning.test_users import ENTRA, content, give_credential, person_of
from tests.support.people import NOW, OPERATOR, ledger_events, ledger_facts


async def group(name: str, *members: UUID) -> ProvisionedGroup:
    """A new group."""
    return await create_group(ENTRA, GroupContent(display_name=name, external_id="", members=frozenset(members)), NOW)


def out(*members: UUID) -> GroupChange:
    """A change that takes them out."""
    return GroupChange(steps=(MemberStep(members=frozenset(members), is_removal=True),))


async def test_a_group_gives_what_people_granted_to_it_and_nothing_by_its_name(identity: Identity) -> None:
    """From the grant on, and until the provider takes the member out."""
    user = await create_user(ENTRA, content(), NOW)
    owners = await group("owner", user.id)
    assert (await person_of(user)).roles == frozenset()
    granted = await identity.group_grants.find("scim:entra/owner")
    await identity.group_grants.grant(OPERATOR, granted.id, Role.AUDITOR.value, NOW)
    assert (await person_of(user)).roles == {Role.AUDITOR}
    await change_group(ENTRA, owners.id, out(user.id), NOW)
    assert (await person_of(user)).roles == frozenset()
    assert (await ledger_facts("provisioned_group.changed"))[-1]["left"] == 1


async def test_the_last_owner_stays_in_the_group_that_made_them_one(committed: Identity) -> None:
    """However it is tried: leaving, replacing, deleting the group, an empty group in between."""
    user = await create_user(ENTRA, content(), NOW)
    await give_credential(await person_of(user))
    inner = await group("Inner", user.id)
    outer = await group("Outer", inner.id)
    granted = await committed.group_grants.find("scim:entra/Outer")
    await committed.group_grants.grant(OPERATOR, granted.id, Role.OWNER.value, NOW)
    nobody = GroupChange(steps=(MemberStep(members=frozenset(), replaces=True),))
    for refused in (
        change_group(ENTRA, inner.id, out(user.id), NOW),
        change_group(ENTRA, outer.id, out(inner.id), NOW),
        change_group(ENTRA, outer.id, nobody, NOW),
        delete_group(ENTRA, inner.id, NOW),
        delete_group(ENTRA, outer.id, NOW),
        delete_user(ENTRA, user.id, NOW, keeps_account=True),
    ):
        with pytest.raises(LastOwnerKeptError):
            await refused
    assert (await person_of(user)).roles == {Role.OWNER}
    assert await group_by_id(ENTRA, inner.id) == inner
    assert (await ledger_events())["provisioning.refused"] == 6


async def test_versions_follow_what_is_answered(identity: Identity) -> None:
    """A user's groups are part of the user: joining, renaming and leaving make new versions; nothing makes none."""
    user = await create_user(ENTRA, content(), NOW)
    made = await group("Crew", user.id)
    await change_group(ENTRA, made.id, GroupChange(display_name="Team"), NOW)
    again = GroupChange(display_name="Team", steps=(MemberStep(members=frozenset({user.id})),))
    same = await change_group(ENTRA, made.id, again, NOW)
    assert (same.version, (await user_by_id(ENTRA, user.id)).version) == (2, 3)
    await delete_user(ENTRA, user.id, NOW, keeps_account=True)
    left = await group_by_id(ENTRA, made.id)
    assert (left.version, left.members) == (3, ())


async def test_many_at_once_make_one_user(committed: Identity) -> None:
    """Of ten requests with one userName one is done, and the others are told so; nothing is half done."""
    results = await asyncio.gather(
        *(create_user(ENTRA, content(email=""), NOW) for _ in range(10)), return_exceptions=True
    )
    refused = [each for each in results if isinstance(each, ProvisioningError)]
    assert len(refused) == 9
    assert {type(each) for each in refused} == {NotUniqueError}
    async with read_connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM scim_user") == 1
        assert await connection.fetchval("SELECT count(*) FROM external_account") == 1
