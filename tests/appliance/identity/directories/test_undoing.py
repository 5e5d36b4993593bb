"""Undoing a run gives rights back: only whoever may give them by hand may do so by this way."""

from uuid import UUID

import pytest

from appliance.identity import accounts, groups
from appliance.identity.directories import queries
from appliance.identity.directories.plans import Run, RunState
from appliance.identity.directories.service import Directories
from appliance.identity.errors import RoleChangeRefusedError
from appliance.identity.records import Role, Source, SourceKind
from appliance.identity.service import Identity
from appliance.ledger.records import Actor, ActorKind
from tests.support.fake_directory import FakeDirectory
from tests.support.people import NOW, OPERATOR, Someone, ledger_facts, make_owner, make_person
from tests.support.syncing import Build, Hands, enabled, memberships

SOURCE = Source(SourceKind.DIRECTORY, "corp")


@pytest.fixture
async def directories(build: Build, corp: FakeDirectory, hands: Hands) -> Directories:
    """Ida and Bob, both in `staff`."""
    corp.group("staff", corp.add("ida", "bob"))
    made = build()
    await made.syncs["corp"].run()
    hands.forward(minutes=2)
    return made


@pytest.fixture
async def administrator(committed: Identity) -> Someone:
    """Somebody who manages people, owners excepted."""
    return await make_person(committed, Role.ADMINISTRATOR, "admin@example.org", NOW)


def key_of(corp: FakeDirectory, name: str) -> str:
    """The key of somebody in the directory."""
    return next(key for key, user in corp.users.items() if user.user_name == name)


async def person_of(corp: FakeDirectory, name: str) -> UUID:
    """The person of somebody's account."""
    account = await accounts.find_account(SOURCE, key_of(corp, name))
    assert account is not None
    return account.person_id


async def grant(identity: Identity, name: str, role: Role) -> None:
    """Grant a role to whoever is in the group."""
    group = next(group for group in await groups.groups_of(SOURCE) if group.name == name)
    await identity.group_grants.grant(OPERATOR, group.id, role.value, NOW)


async def without(directories: Directories, corp: FakeDirectory, name: str, hands: Hands) -> Run:
    """The run that takes somebody out of `staff`."""
    corp.group("staff", [key for key, user in corp.users.items() if user.user_name != name])
    run = await directories.syncs["corp"].run()
    hands.forward(minutes=2)
    return run


async def refused(directories: Directories, actor: Actor, run: Run) -> str:
    """What is said to somebody who may not undo the run; nothing of it happened, and the ledger has the attempt."""
    before = (await memberships(), await enabled())
    with pytest.raises(RoleChangeRefusedError) as refusal:
        await directories.undo_run(actor, run.id)
    assert (await queries.run_by_id(run.id)).state is RunState.DONE
    assert (await memberships(), await enabled()) == before
    facts = await ledger_facts("role_change.refused")
    assert facts == [{"change": "undo_sync", "code": RoleChangeRefusedError.code}]
    return str(refusal.value)


async def test_an_administrator_undoes_what_makes_nobody_owner(
    directories: Directories, corp: FakeDirectory, hands: Hands, administrator: Someone
) -> None:
    """Members of a group without that grant come back by whoever manages people."""
    run = await without(directories, corp, "ida", hands)
    assert (await directories.undo_run(administrator.actor, run.id)).state is RunState.UNDONE
    assert (await memberships())["ida"] == {"staff"}


async def test_only_owners_give_back_a_group_of_owners(
    directories: Directories, corp: FakeDirectory, hands: Hands, administrator: Someone, committed: Identity
) -> None:
    """An administrator could not grant it by hand either; an owner undoes the run."""
    owner = await make_owner(committed, NOW)
    run = await without(directories, corp, "ida", hands)
    await grant(committed, "staff", Role.OWNER)
    await refused(directories, administrator.actor, run)
    assert (await directories.undo_run(owner.actor, run.id)).state is RunState.UNDONE


async def test_only_owners_let_an_owner_in_again(
    directories: Directories, corp: FakeDirectory, hands: Hands, administrator: Someone, committed: Identity
) -> None:
    """Whether somebody assigned the role or a group gives it that the run did not take."""
    await make_owner(committed, NOW)
    corp.change(key_of(corp, "ida"), is_disabled=True)
    run = await directories.syncs["corp"].run()
    hands.forward(minutes=2)
    await grant(committed, "staff", Role.OWNER)
    assert (await memberships())["ida"] == {"staff"}
    await refused(directories, administrator.actor, run)
    assert not (await enabled())["ida"]


async def test_an_assigned_owner_is_let_in_by_owners_too(
    directories: Directories, corp: FakeDirectory, administrator: Someone, committed: Identity
) -> None:
    """A role of their own counts, whatever their groups give."""
    await make_owner(committed, NOW)
    await committed.people.grant_role(OPERATOR, await person_of(corp, "ida"), Role.OWNER, NOW)
    corp.change(key_of(corp, "ida"), is_disabled=True)
    await refused(directories, administrator.actor, await directories.syncs["corp"].run())


async def test_nobody_gives_groups_back_to_themselves(
    directories: Directories, corp: FakeDirectory, hands: Hands, committed: Identity
) -> None:
    """Owners neither: somebody else, or the operator, undoes a run that took something from them."""
    ida = await person_of(corp, "ida")
    await committed.people.grant_role(OPERATOR, ida, Role.OWNER, NOW)
    run = await without(directories, corp, "ida", hands)
    said = await refused(directories, Actor(kind=ActorKind.PERSON, id=str(ida)), run)
    assert said == "Nobody changes their own roles, state or credential here"
    assert (await directories.undo_run(OPERATOR, run.id)).state is RunState.UNDONE
