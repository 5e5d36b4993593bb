"""Finding people and groups, a page at a time."""

from typing import Any
from uuid import UUID

import pytest

from appliance.database.identifiers import uuid7
from appliance.identity.errors import GroupUnknownError, PersonUnknownError
from appliance.identity.queries import find_people, sources_of_people
from appliance.identity.records import GroupFilter, PeopleFilter, Role
from appliance.identity.service import Identity
from tests.appliance.identity.external import CORP, STAFF, disable, group, provision, tell
from tests.support.people import NOW, OPERATOR, Someone

NAMES = ("ben", "eve", "ida", "kim", "mia", "noa", "pat")


async def names(wanted: PeopleFilter) -> list[str]:
    """Names of the people whom a filter finds."""
    return [person.display_name for person in await find_people(wanted)]


async def test_pages_hold_everybody_once_and_in_order(identity: Identity, owner: Someone) -> None:
    """By name whatever the case, people of one name too; a page begins behind the last one."""
    for key in NAMES:
        await provision(key)
    await provision("other", source=STAFF)
    for number in range(3):
        await provision(f"twin{number}")
    everybody = await names(PeopleFilter())
    assert everybody == sorted(everybody, key=str.lower)
    for limit in (1, 2, 5):
        found: list[str] = []
        after: UUID | None = None
        while part := await find_people(PeopleFilter(after=after, limit=limit)):
            found += [person.display_name for person in part]
            after = part[-1].id
        assert found == everybody
    with pytest.raises(PersonUnknownError):
        await find_people(PeopleFilter(after=uuid7()))


async def test_people_are_found_by_name_address_and_user_name(identity: Identity, owner: Someone) -> None:
    """Whatever the case; signs that mean something to SQL mean nothing."""
    await provision("ida", email="i.lovelace@corp.example")
    await provision("per_cent%", source=STAFF)
    assert await names(PeopleFilter(text="LOVELACE")) == ["Ada Lovelace", "Ida"]
    assert await names(PeopleFilter(text="corp.EXAMPLE")) == ["Ida"]
    assert await names(PeopleFilter(text="_cent%")) == ["Per_Cent%"]
    assert await names(PeopleFilter(text="%")) == ["Per_Cent%"]
    assert await names(PeopleFilter(text="nobody\0")) == []


async def test_people_are_narrowed_by_role_source_and_state(identity: Identity, owner: Someone) -> None:
    """A role by whatever way, but everywhere and by an account that counts."""
    for key in ("ida", "ben", "eve"):
        await provision(key)
    await provision("kim", source=STAFF)
    await tell({"g": "Leads", "h": "Pay"}, {"ida": frozenset({"g"}), "ben": frozenset({"g"}), "eve": frozenset({"h"})})
    await identity.group_grants.grant(OPERATOR, (await group("g")).id, "approver", NOW)
    await identity.group_grants.grant(OPERATOR, (await group("h")).id, "approver", NOW, project="/srv")
    await identity.people.grant_role(OPERATOR, await provision("kim", source=STAFF), Role.APPROVER, NOW)
    await disable("ben")
    assert await names(PeopleFilter(role=Role.APPROVER)) == ["Ida", "Kim"]
    assert await names(PeopleFilter(role=Role.OWNER)) == ["Ada Lovelace"]
    assert await names(PeopleFilter(source=str(CORP))) == ["Ben", "Eve", "Ida"]
    assert await names(PeopleFilter(is_disabled=True)) == ["Ben"]
    assert await names(PeopleFilter(is_disabled=False, source=str(CORP), text="i")) == ["Ida"]
    assert await sources_of_people() == (str(CORP), str(STAFF))


async def test_groups_are_found_a_page_at_a_time(identity: Identity) -> None:
    """By source and name; by part of the name, the whole key, and whether they are granted anything."""
    await provision("ida")
    told = {f"k{number}": name for number, name in enumerate(("Leads", "Pay 50%", "Everybody"))}
    await tell(told, {"ida": frozenset({"k0", "k1"})})
    await tell({"k0": "Leads"}, {}, source=STAFF)
    grants = identity.group_grants

    async def found(**wanted: Any) -> list[str]:  # noqa: ANN401 - whatever a test names
        return [f"{each.source}/{each.name}" for each in await grants.groups(GroupFilter(**wanted))]

    everything = [f"{CORP}/Everybody", f"{CORP}/Leads", f"{CORP}/Pay 50%", f"{STAFF}/Leads"]
    assert await found() == everything
    assert await found(text="lead") == [f"{CORP}/Leads", f"{STAFF}/Leads"]
    assert await found(text="k1") == [f"{CORP}/Pay 50%"]
    assert await found(text="0%") == [f"{CORP}/Pay 50%"]
    assert await found(source=str(STAFF)) == [f"{STAFF}/Leads"]
    leads = await group("k0")
    assert leads.members == 1
    await grants.grant(OPERATOR, leads.id, "auditor", NOW)
    assert await found(is_granted=True) == [f"{CORP}/Leads"]
    assert [each.role for each in await grants.of([leads])] == ["auditor"]
    assert await grants.of([]) == ()
    assert await found(after=leads.id, limit=1) == [f"{CORP}/Pay 50%"]
    with pytest.raises(GroupUnknownError):
        await found(after=uuid7())
    with pytest.raises(GroupUnknownError):
        await grants.find("Leads\0x")
