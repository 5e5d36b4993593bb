"""What the port promises, of the directory that tests pretend and of a real OpenLDAP alike."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from appliance.identity.directories.errors import DirectoryRefusedError
from appliance.identity.directories.ports import Directory
from appliance.identity.directories.records import ProbeSection, RefusalCause
from tests.support import slapd
from tests.support.directories import of_slapds
from tests.support.fake_directory import FakeDirectory


@dataclass
class World:
    """Ida and Bob; Ida in `inner`, which is in `outer`, which is in `inner`; and hands to change it."""

    port: Directory
    rename: Callable[[str, str], None]
    delete: Callable[[str], None]


def _pretended() -> World:
    fake = FakeDirectory()
    ida, bob = fake.add("ida", "bob")
    keys: dict[str, str] = {"ida": ida, "bob": bob}
    fake.passwords = dict.fromkeys(keys, slapd.PASSWORD)
    outer = fake.group("outer", [])
    inner = fake.group("inner", [keys["ida"], outer])
    fake.group("outer", [inner])
    return World(
        fake,
        lambda uid, name: fake.change(keys[uid], display_name=name),
        lambda uid: fake.remove(keys[uid]),
    )


def _real(server: slapd.Slapd) -> World:
    def rename(uid: str, name: str) -> None:
        server.modify(f"dn: {slapd.dn_of(uid)}\nchangetype: modify\nreplace: cn\ncn: {name}\n")

    return World(of_slapds(server), rename, lambda uid: server.delete(slapd.dn_of(uid)))


@pytest.fixture(params=["pretended", "slapd"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """The directory, closed afterwards."""
    if request.param == "pretended":
        yield _pretended()
        return
    inner, outer = (f"cn={name},{slapd.GROUPS}" for name in ("inner", "outer"))
    ldif = slapd.person("ida") + slapd.person("bob")
    ldif += slapd.group("inner", slapd.dn_of("ida"), outer) + slapd.group("outer", inner)
    with slapd.slapd(ldif) as server:
        made = _real(server)
        try:
            yield made
        finally:
            await made.port.close()


async def test_a_person_proves_who_they_are(world: World) -> None:
    """By name and password; a refusal says for the ledger what was wrong, and nothing else lets anybody in."""
    ida = await world.port.authenticate("ida", slapd.PASSWORD)
    assert (ida.user_name, ida.display_name, ida.is_disabled) == ("ida", "Ida", False)
    assert ida.key == ida.key.lower()
    for user, password, cause in (
        ("ida", "wrong", RefusalCause.WRONG),
        ("ida", "", RefusalCause.WRONG),
        ("nobody", slapd.PASSWORD, RefusalCause.UNKNOWN),
    ):
        with pytest.raises(DirectoryRefusedError) as refused:
            await world.port.authenticate(user, password)
        assert refused.value.cause is cause
    assert await world.port.find("nobody") is None
    found = await world.port.find("ida")
    assert found is not None
    assert found.key == ida.key
    assert sorted(group.name for group in await world.port.groups_of(found)) == ["inner", "outer"]


async def test_everything_is_read_and_then_what_is_new(world: World) -> None:
    """With the keys of all that is there; a name that changes keeps its key, and whoever is deleted is named."""
    whole = await world.port.read_all()
    people = {user.user_name: user.key for user in whole.users}
    assert (set(people), {group.name for group in whole.groups}) == ({"ida", "bob"}, {"inner", "outer"})
    assert (whole.is_complete, whole.gone) == (True, ())
    assert whole.present == {*people.values(), *(group.key for group in whole.groups)}
    dn_of = {user.user_name: user.dn for user in whole.users} | {group.name: group.dn for group in whole.groups}
    members = {group.name: group.member_dns for group in whole.groups}
    assert members == {"inner": {dn_of["ida"], dn_of["outer"]}, "outer": {dn_of["inner"]}}
    world.rename("ida", "Ida Lovelace")
    later = await world.port.read_since(whole.cursor)
    assert {user.display_name for user in later.users if user.key == people["ida"]} == {"Ida Lovelace"}
    assert (later.present, later.gone) == (whole.present, ())
    world.delete("bob")
    last = await world.port.read_since(later.cursor)
    assert last.present == whole.present - {people["bob"]}
    assert last.is_complete or last.gone == (people["bob"],)


async def test_each_part_can_be_tried_alone(world: World) -> None:
    """And says something; the hosts are told in the order of the configuration."""
    result = await world.port.probe(ProbeSection.FIND_USER, "ida")
    assert (result.section, result.is_ok, "ida" in result.said) == (ProbeSection.FIND_USER, True, True)
    assert len(world.port.hosts()) == 1
