"""What groups are granted, by whom, and that it holds at once everywhere."""

from uuid import UUID

import pytest

from appliance.database.identifiers import uuid7
from appliance.identity.errors import (
    GrantRefusedError,
    GroupUnknownError,
    LastOwnerError,
    RoleChangeRefusedError,
)
from appliance.identity.queries import has_owner
from appliance.identity.records import Role, ScopedRole
from appliance.identity.service import Identity
from appliance.ledger.records import Actor, ActorKind
from tests.appliance.identity.external import CORP, STAFF, group, provision, tell
from tests.support.people import NOW, OPERATOR, Someone, ledger_events, ledger_facts, make_owner, make_person


@pytest.fixture
async def leads(identity: Identity, owner: Someone) -> UUID:
    """A group with one member, Ida."""
    await provision("ida")
    await tell({"g": "Leads"}, {"ida": frozenset({"g"})})
    return (await group("g")).id


async def ida() -> UUID:
    """Ida's identifier: provisioning her again gives it."""
    return await provision("ida")


async def test_a_grant_holds_for_the_members_sessions_at_once(identity: Identity, leads: UUID, owner: Someone) -> None:
    """Roles, approver groups and scoped ones; they end with the grant."""
    token = (await identity.sessions.create_script_session(OPERATOR, await ida(), 5, NOW)).token
    await identity.group_grants.grant(owner.actor, leads, "auditor", NOW)
    await identity.group_grants.grant(owner.actor, leads, "group:payments", NOW)
    await identity.group_grants.grant(owner.actor, leads, "approver", NOW, project="/srv/pay/")
    found = await identity.sessions.authenticate(token, NOW)
    assert found is not None
    assert found.roles == {Role.AUDITOR}
    assert found.groups == {"payments", "directory:corp/Leads"}
    assert found.scoped == {ScopedRole("approver", "/srv/pay")}
    await identity.group_grants.revoke(owner.actor, leads, "auditor", NOW)
    await identity.group_grants.revoke(owner.actor, leads, "approver", NOW, project="/srv/pay")
    found = await identity.sessions.authenticate(token, NOW)
    assert found is not None
    assert (found.roles, found.scoped) == (frozenset(), frozenset())


async def test_granting_twice_or_revoking_what_is_not_there_changes_nothing(
    identity: Identity, leads: UUID, owner: Someone
) -> None:
    """And is recorded once."""
    for _ in range(2):
        await identity.group_grants.grant(owner.actor, leads, "auditor", NOW)
    await identity.group_grants.revoke(owner.actor, leads, "member", NOW)
    (grant,) = await identity.group_grants.list()
    assert (grant.group_id, grant.role, grant.project, grant.created_by) == (leads, "auditor", "", str(owner.id))
    assert (await ledger_events())["group_grant.granted"] == 1
    assert (await ledger_events())["group_grant.revoked"] == 0


async def test_only_owners_make_owners_and_nobody_grants_to_a_group_of_their_own(
    identity: Identity, leads: UUID, owner: Someone
) -> None:
    """Each refusal is in the ledger."""
    admin = await make_person(identity, Role.ADMINISTRATOR, "adam@example.org", NOW)
    member = await make_person(identity, Role.MEMBER, "mia@example.org", NOW)
    with pytest.raises(RoleChangeRefusedError):
        await identity.group_grants.grant(admin.actor, leads, "owner", NOW)
    with pytest.raises(RoleChangeRefusedError):
        await identity.group_grants.grant(member.actor, leads, "member", NOW)
    await identity.people.grant_role(owner.actor, await ida(), Role.ADMINISTRATOR, NOW)
    actor = Actor(kind=ActorKind.PERSON, id=str(await ida()))
    with pytest.raises(RoleChangeRefusedError, match="own"):
        await identity.group_grants.grant(actor, leads, "security", NOW)
    with pytest.raises(GroupUnknownError):
        await identity.group_grants.grant(owner.actor, uuid7(), "member", NOW)
    assert [each["code"] for each in await ledger_facts("role_change.refused")] == [
        "role_change_refused", "role_change_refused", "role_change_refused", "group_unknown",
    ]  # fmt: skip
    assert await identity.group_grants.list() == ()


@pytest.mark.parametrize(
    ("role", "project"),
    [
        ("boss", ""), ("", ""), (None, ""), ("group:", ""), ("group:Payments", ""), ("group:directory:corp/x", ""),
        ("group:" + "a" * 64, ""), ("owner", "/srv"), ("auditor", "/srv"), ("approver", "a\nb"),
        ("approver", "a" * 401), ("approver", None),
    ],
)  # fmt: skip
async def test_what_no_group_can_be_granted(identity: Identity, leads: UUID, role: object, project: object) -> None:
    """Unknown roles, names that are none, and projects for roles that know none."""
    with pytest.raises(GrantRefusedError):
        await identity.group_grants.grant(OPERATOR, leads, role, NOW, project=project)


async def test_the_last_owner_cannot_lose_the_groups_grant(identity: Identity) -> None:
    """Neither by revoking it, nor is somebody without a way in an owner who counts."""
    person = await provision("ida")
    await tell({"g": "Leads", "empty": "Nobody"}, {"ida": frozenset({"g"})})
    await identity.group_grants.grant(OPERATOR, (await group("g")).id, "owner", NOW)
    await identity.group_grants.grant(OPERATOR, (await group("empty")).id, "owner", NOW)
    with pytest.raises(LastOwnerError):
        await identity.group_grants.revoke(OPERATOR, (await group("g")).id, "owner", NOW)
    with pytest.raises(LastOwnerError):
        await identity.people.disable(OPERATOR, person, NOW)
    await identity.group_grants.revoke(OPERATOR, (await group("empty")).id, "owner", NOW)
    await identity.people.grant_role(OPERATOR, person, Role.OWNER, NOW)
    await identity.people.revoke_role(OPERATOR, person, Role.OWNER, NOW)  # the group still makes them owner
    assert await has_owner()
    await make_owner(identity, NOW)
    await identity.group_grants.revoke(OPERATOR, (await group("g")).id, "owner", NOW)
    assert await has_owner()


async def test_a_group_is_found_by_what_names_it_alone(identity: Identity, leads: UUID) -> None:
    """Identifier, source and name, key, or name; not by a name that two sources have."""
    for text in (str(leads), "directory:corp/Leads", "g", "Leads"):
        assert (await identity.group_grants.find(text)).id == leads
    await tell({"h": "Leads"}, {}, source=STAFF)
    with pytest.raises(GroupUnknownError, match="2 groups"):
        await identity.group_grants.find("Leads")
    assert (await identity.group_grants.find(f"{CORP}/Leads")).id == leads
    with pytest.raises(GroupUnknownError):
        await identity.group_grants.find("Nobody")
