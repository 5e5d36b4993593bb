"""Groups of sources: who is in them, by what is told of all or of some."""

from uuid import UUID

import pytest

from appliance.database.transaction import transaction
from appliance.identity import groups
from appliance.identity.queries import person_by_id
from appliance.identity.records import Role
from appliance.identity.service import Identity
from tests.appliance.identity.external import CORP, STAFF, disable, enable, group, provision, tell
from tests.support.people import NOW, OPERATOR, ledger_events, ledger_facts, make_owner

NAMES = {"g1": "Developers", "g2": "Leads"}
EVERYBODY = {"ida": frozenset({"g1", "g2"}), "bob": frozenset({"g1"})}


@pytest.fixture
async def people(identity: Identity) -> dict[str, UUID]:
    """Two people of one directory, whose groups it has told."""
    made = {key: await provision(key) for key in ("ida", "bob")}
    await tell(NAMES, EVERYBODY)
    return made


async def test_a_complete_telling_is_all_there_is(people: dict[str, UUID]) -> None:
    """Groups that it does not name are gone, accounts that it does not name are in none."""
    assert {each.name: each.members for each in await groups.groups_of(CORP)} == {"Developers": 2, "Leads": 1}
    change = await tell(
        {"g1": "Engineers", "g3": "New"}, {"ida": frozenset({"g3", "unknown"}), "who": frozenset({"g1"})}
    )
    numbers = (
        change.groups_added,
        change.groups_renamed,
        change.groups_gone,
        change.joined,
        change.left,
        change.people,
    )
    assert numbers == (1, 1, 1, 1, 3, 2)
    assert await groups.members_of(CORP) == {"ida": {"g3"}}
    assert [each.name for each in await groups.groups_of(CORP)] == ["Engineers", "New"]


async def test_the_same_telling_changes_nothing_and_is_not_recorded(people: dict[str, UUID]) -> None:
    """A sync every other minute leaves no trace where nothing happened."""
    assert await tell(NAMES, EVERYBODY) == groups.GroupChange()
    assert (await ledger_events())["groups.changed"] == 1


async def test_telling_of_some_leaves_the_others_alone(people: dict[str, UUID]) -> None:
    """As at a sign-in: the person's own groups are replaced, no group goes."""
    async with transaction():
        change = await groups.set_members(CORP.actor, CORP, {"g3": "New"}, {"ida": frozenset({"g3"})}, NOW)
    assert (change.joined, change.left, change.groups_gone, change.people) == (1, 2, 0, 1)
    assert await groups.members_of(CORP) == {"ida": {"g3"}, "bob": {"g1"}}


async def test_an_empty_telling_of_some_is_no_telling(people: dict[str, UUID]) -> None:
    """Nobody is named, so nobody changes."""
    assert await tell({}, {}, is_complete=False) == groups.GroupChange()
    assert await groups.members_of(CORP) == EVERYBODY


async def test_sources_do_not_touch_each_other(people: dict[str, UUID]) -> None:
    """The same keys elsewhere are other groups and other accounts."""
    await provision("ida", source=STAFF)
    await tell({"g1": "Other"}, {"ida": frozenset({"g1"})}, source=STAFF)
    await tell({}, {}, source=STAFF)
    assert await groups.members_of(CORP) == EVERYBODY


async def test_names_of_groups_carry_their_source(people: dict[str, UUID]) -> None:
    """So that nobody who may name a group in a directory makes it one that a policy means."""
    assert (await person_by_id(people["ida"])).groups == {"directory:corp/Developers", "directory:corp/Leads"}


async def test_a_granted_group_gives_and_takes_its_roles(identity: Identity, people: dict[str, UUID]) -> None:
    """Assigned roles stay; the ledger names the people whose rights change."""
    leads = await group("g2")
    await identity.group_grants.grant(OPERATOR, leads.id, "security", NOW)
    await identity.people.grant_role(OPERATOR, people["ida"], Role.MEMBER, NOW)
    await identity.people.grant_role(OPERATOR, people["ida"], Role.SECURITY, NOW)
    assert (await person_by_id(people["ida"])).roles == {Role.MEMBER, Role.SECURITY}
    await tell(NAMES, {"bob": frozenset({"g2"})})
    ida, bob = await person_by_id(people["ida"]), await person_by_id(people["bob"])
    assert ida.roles == {Role.MEMBER, Role.SECURITY}
    assert bob.roles == {Role.SECURITY}
    assert bob.direct_roles == frozenset()
    facts = await ledger_facts("group_member.changed")
    assert sorted((each["joined"], each["left"]) for each in facts) == [([], [str(leads.id)]), ([str(leads.id)], [])]


async def test_a_group_that_is_gone_is_kept_for_its_grants(identity: Identity, people: dict[str, UUID]) -> None:
    """It gives nothing; if it comes back, it gives again."""
    leads = await group("g2")
    await identity.group_grants.grant(OPERATOR, leads.id, "auditor", NOW)
    await tell({}, {})
    assert [(each.id, each.is_gone) for each in await groups.groups_of(CORP)] == [(leads.id, True)]
    assert (await person_by_id(people["ida"])).roles == frozenset()
    await tell(NAMES, EVERYBODY)
    assert (await person_by_id(people["ida"])).roles == {Role.AUDITOR}


async def test_a_disabled_account_gives_nothing_where_another_way_in_is_open(
    identity: Identity, people: dict[str, UUID]
) -> None:
    """The operator let the person in again; the directory's groups stay without effect until it does too."""
    await identity.group_grants.grant(OPERATOR, (await group("g2")).id, "auditor", NOW)
    await disable("ida")
    await identity.people.enable(OPERATOR, people["ida"], NOW)
    assert (await person_by_id(people["ida"])).roles == frozenset()
    await enable("ida")
    assert (await person_by_id(people["ida"])).roles == {Role.AUDITOR}


async def test_one_group_is_removed(people: dict[str, UUID]) -> None:
    """As a SCIM client does: its members leave it, the other groups stay."""
    async with transaction():
        change = await groups.remove_group(CORP.actor, CORP, "g1", NOW)
    assert (change.left, change.groups_gone) == (2, 1)
    assert await groups.members_of(CORP) == {"ida": {"g2"}}
    assert [each.key for each in await groups.groups_of(CORP)] == ["g2"]


async def test_the_last_owner_stays_in_the_group_that_makes_them_one(
    identity: Identity, people: dict[str, UUID]
) -> None:
    """The membership alone is spared, also when the group is gone; a second owner ends that."""
    await identity.group_grants.grant(OPERATOR, (await group("g2")).id, "owner", NOW)
    for names in (NAMES, {}, {}):
        change = await tell(names, {})
        assert change.spared == people["ida"]
    assert (await person_by_id(people["ida"])).roles == {Role.OWNER}
    assert await groups.members_of(CORP) == {"ida": {"g2"}}
    assert len(await ledger_facts("person.spared")) == 1
    assert (await disable("ida")).spared == ("ida",)
    await make_owner(identity, NOW)
    change = await tell({}, {})
    assert (change.spared, change.left) == (None, 1)
    assert (await person_by_id(people["ida"])).roles == frozenset()


async def test_a_name_that_several_groups_have_names_none_of_them(people: dict[str, UUID]) -> None:
    """Whoever may make groups at the source gets no rights by calling one like another; other sources do not count."""
    named = {"directory:corp/Developers", "directory:corp/Leads"}
    assert (await person_by_id(people["ida"])).groups == named
    made = await provision("eve", source=STAFF)
    await tell({"s1": "Leads"}, {"eve": frozenset({"s1"})}, source=STAFF)
    assert (await person_by_id(people["ida"])).groups == named
    assert (await person_by_id(made)).groups == {f"{STAFF}/Leads"}
    await tell({**NAMES, "g3": "Leads"}, {**EVERYBODY, "bob": frozenset({"g1", "g3"})})
    for key in ("ida", "bob"):
        assert (await person_by_id(people[key])).groups == {"directory:corp/Developers"}
    await tell(NAMES, EVERYBODY)
    assert (await person_by_id(people["ida"])).groups == named


async def test_a_group_that_is_gone_takes_no_name(identity: Identity, people: dict[str, UUID]) -> None:
    """It is kept for its grants alone; those hold whatever a group is called."""
    leads = await group("g2")
    await identity.group_grants.grant(OPERATOR, leads.id, "group:payments", NOW)
    await tell({"g1": "Developers", "g4": "Leads"}, {"ida": frozenset({"g1", "g4"})})
    assert {each.is_gone for each in await groups.groups_of(CORP) if each.name == "Leads"} == {True, False}
    assert (await person_by_id(people["ida"])).groups == {"directory:corp/Developers", "directory:corp/Leads"}
    await tell({**NAMES, "g4": "Leads"}, EVERYBODY)
    assert (await person_by_id(people["ida"])).groups == {"directory:corp/Developers", "payments"}
