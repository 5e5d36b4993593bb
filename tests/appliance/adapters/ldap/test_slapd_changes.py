"""Changes in a real OpenLDAP: what is read since the last time, and when everything is read anew."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.support.directories import of_slapds
from tests.support.slapd import BASE, GROUPS, Slapd, dn_of, group, person, slapd

_STAFF = f"cn=staff,{GROUPS}"


@pytest.fixture
def server() -> Iterator[Slapd]:
    """Three people of whom two are staff; groups are added over the wire, so that memberOf is kept."""
    with slapd("".join([person("ida"), person("jan"), person("kim")])) as running:
        running.add(group("staff", dn_of("ida"), dn_of("jan")))
        yield running


def _change(dn: str, *lines: str) -> str:
    return "\n".join([f"dn: {dn}", "changetype: modify", *lines, ""])


async def test_nothing_new_is_an_empty_change(server: Slapd) -> None:
    """A second reading brings nobody, and says who is there."""
    directory = of_slapds(server)
    first = await directory.read_all()
    second = await directory.read_since(first.cursor)
    assert (second.users, second.groups, second.gone, second.is_complete) == ((), (), (), False)
    assert second.present == first.present


async def test_changes_of_people_and_groups_arrive(server: Slapd) -> None:
    """New, changed, locked and deleted people, and changed members, each with their keys."""
    directory = of_slapds(server)
    first = await directory.read_all()
    keys = {user.user_name: user.key for user in first.users}
    server.add(person("liz"))
    server.modify(_change(dn_of("ida"), "replace: cn", "cn: Ida Neu"))
    server.modify(_change(dn_of("kim"), "replace: pwdAccountLockedTime", "pwdAccountLockedTime: 000001010000Z"))
    server.delete(dn_of("jan"))
    second = await directory.read_since(first.cursor)
    assert {(user.user_name, user.display_name, user.is_disabled) for user in second.users} == {
        ("ida", "Ida Neu", False),
        ("kim", "Kim", True),
        ("liz", "Liz", False),
    }
    assert second.gone == (keys["jan"],)
    assert [group.name for group in second.groups] == ["staff"]  # out of which jan is taken without a new version
    third = await directory.read_since(second.cursor)
    assert (third.users, third.groups, third.gone) == ((), (), ())


async def test_somebody_who_moves_keeps_the_key(server: Slapd) -> None:
    """Renaming and moving make everything be read: groups name people by where they are."""
    directory = of_slapds(server, user_base=BASE)
    first = await directory.read_all()
    server.add(f"dn: ou=old,{BASE}\nobjectClass: organizationalUnit\nou: old\n")
    server.modify(
        f"dn: {dn_of('ida')}\nchangetype: modrdn\nnewrdn: uid=ida2\ndeleteoldrdn: 1\nnewsuperior: ou=old,{BASE}\n"
    )
    second = await directory.read_since(first.cursor)
    assert second.is_complete
    before = {user.key: user.user_name for user in first.users}
    moved = next(user for user in second.users if user.user_name == "ida2")
    assert before[moved.key] == "ida"
    (staff,) = second.groups
    assert moved.dn in staff.member_dns


async def test_leaving_a_group_that_the_filter_names_is_leaving(server: Slapd) -> None:
    """With a filter on memberOf nothing in the entry changes, and the person is gone or new nevertheless."""
    directory = of_slapds(server, user_filter=f"(memberOf={_STAFF})")
    first = await directory.read_all()
    keys = {user.user_name: user.key for user in first.users}
    assert keys.keys() == {"ida", "jan"}
    server.modify(
        _change(_STAFF, "delete: member", f"member: {dn_of('jan')}", "-", "add: member", f"member: {dn_of('kim')}")
    )
    second = await directory.read_since(first.cursor)
    assert second.gone == (keys["jan"],)
    assert [user.user_name for user in second.users] == ["kim"]
    assert keys["jan"] not in second.present


async def test_moving_out_of_the_base_is_leaving(server: Slapd) -> None:
    """Whoever is moved to another unit is gone, although the entry lives on."""
    directory = of_slapds(server)
    first = await directory.read_all()
    server.add(f"dn: ou=left,{BASE}\nobjectClass: organizationalUnit\nou: left\n")
    server.modify(
        f"dn: {dn_of('kim')}\nchangetype: modrdn\nnewrdn: uid=kim\ndeleteoldrdn: 1\nnewsuperior: ou=left,{BASE}\n"
    )
    second = await directory.read_since(first.cursor)
    assert second.gone == tuple([user.key for user in first.users if user.user_name == "kim"])


async def test_a_cursor_of_another_process_reads_everything(server: Slapd) -> None:
    """After a restart, and with any other cursor, the answer is complete."""
    first = await of_slapds(server).read_all()
    assert (await of_slapds(server).read_since(first.cursor)).is_complete
    assert (await of_slapds(server).read_since("")).is_complete


async def test_another_host_reads_everything(server: Slapd) -> None:
    """Versions of one host mean nothing on another."""
    with slapd(person("ida")) as other:
        both = of_slapds(server, urls=(server.ldap, other.ldap), ca_file=_joined(server, other), cool_down_seconds=60)
        first = await both.read_all()
        server.stop()
        second = await both.read_since(first.cursor)
        assert (second.is_complete, [user.user_name for user in second.users]) == (True, ["ida"])


def _joined(first: Slapd, second: Slapd) -> object:
    file = first.authority.file.with_name("joined.pem")
    file.write_bytes(first.authority.file.read_bytes() + second.authority.file.read_bytes())
    return file


async def test_a_restart_while_it_is_read_is_an_error_or_everything(server: Slapd) -> None:
    """Whatever a directory does during readings, none of them is partial."""
    directory = of_slapds(server, page_size=10, cool_down_seconds=1.0)
    readings = [asyncio.create_task(directory.read_all()) for _ in range(4)]
    await asyncio.sleep(0.02)
    server.stop()
    results = await asyncio.gather(*readings, return_exceptions=True)
    assert all(isinstance(each, Exception) or len(each.users) == 3 for each in results)  # type: ignore[union-attr]
