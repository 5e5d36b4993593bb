"""A real OpenLDAP: signing in, password policy, groups, and reading everything although it limits sizes."""

import asyncio
from collections.abc import Iterator

import pytest

from appliance.adapters.ldap.directory import LdapDirectory
from appliance.identity.directories.errors import (
    DirectoryIncompleteError,
    DirectoryMisconfiguredError,
    DirectoryRefusedError,
    DirectoryUnavailableError,
)
from appliance.identity.directories.records import HostState, ProbeSection, RefusalCause
from tests.support.certificates import Authority
from tests.support.directories import of_slapds
from tests.support.slapd import (
    BASE,
    GROUPS,
    LOCKOUT_AFTER,
    PASSWORD,
    PEOPLE,
    SERVICE,
    SIZE_LIMIT,
    Slapd,
    dn_of,
    group,
    person,
    slapd,
)

_MANY = SIZE_LIMIT + 250
_LDIF = "".join(
    [
        *[person(f"u{number}") for number in range(_MANY)],
        person("ida"),
        person("jörg,x"),
        person("two", "mail: shared@example.test"),
        person("three", "mail: shared@example.test"),
        person("gone", "pwdAccountLockedTime: 000001010000Z"),
        person("again", "pwdReset: TRUE"),
        person("old", "pwdChangedTime: 20200101000000Z"),
        person("guessed"),
        group("inner", f"UID=ida , {PEOPLE}", f"cn=outer,{GROUPS}"),
        group("middle", f"cn=inner,{GROUPS}"),
        group("outer", f"cn=middle,{GROUPS}"),
        group("all", *[dn_of(f"u{number}") for number in range(_MANY)]),
        f"dn: cn=unix,{GROUPS}\nobjectClass: posixGroup\ncn: unix\ngidNumber: 7\nmemberUid: ida\nmemberUid: nobody\n\n",
    ]
).replace(f"dn: uid=jörg,x,{PEOPLE}", f"dn: uid=jörg\\,x,{PEOPLE}")


@pytest.fixture(scope="module")
def server() -> Iterator[Slapd]:
    """The first host; tests of this module share its people."""
    with slapd(_LDIF) as running:
        yield running


@pytest.fixture
def directory(server: Slapd) -> LdapDirectory:
    """That host over LDAPS."""
    return of_slapds(server)


async def _cause(directory: LdapDirectory, user: str, password: str = PASSWORD) -> RefusalCause:
    with pytest.raises(DirectoryRefusedError) as refused:
        await directory.authenticate(user, password)
    return refused.value.cause


async def test_somebody_signs_in_by_name_or_address(directory: LdapDirectory) -> None:
    """Both login attributes find the same person, whose key is the entryUUID."""
    by_name = await directory.authenticate("ida", PASSWORD)
    by_address = await directory.authenticate("IDA@example.test", PASSWORD)
    assert by_name == by_address
    assert (len(by_name.key), by_name.dn, by_name.display_name) == (36, dn_of("ida"), "Ida")
    assert await directory.find("ida") == by_name


async def test_start_tls_works_as_ldaps_does(server: Slapd) -> None:
    """An ldap:// host is encrypted by StartTLS, and says so."""
    directory = of_slapds(server, urls=(server.ldap,))
    assert (await directory.authenticate("ida", PASSWORD)).user_name == "ida"
    probed = await directory.probe(ProbeSection.TLS)
    assert (probed.is_ok, "TLSv1" in probed.said) == (True, True)


async def test_wrong_unknown_and_ambiguous_are_told_apart_for_the_ledger(directory: LdapDirectory) -> None:
    """The cause is known to us, whatever the caller is told."""
    assert await _cause(directory, "ida", "wrong") is RefusalCause.WRONG
    assert await _cause(directory, "nobody") is RefusalCause.UNKNOWN
    assert await _cause(directory, "shared@example.test") is RefusalCause.AMBIGUOUS
    assert await directory.find("shared@example.test") is None


@pytest.mark.parametrize("name", ["*", "*)(uid=*))(|(uid=*", "id*", "ida)(objectClass=*"])
async def test_no_name_is_a_filter(directory: LdapDirectory, name: str) -> None:
    """A real server finds nobody by what would be a filter."""
    assert await directory.find(name) is None
    assert await _cause(directory, name) is RefusalCause.UNKNOWN


@pytest.mark.parametrize("name", ["jörg,x", "jo\u0308rg,x", "JÖRG,X"])
async def test_a_name_is_found_in_every_form_of_its_letters(directory: LdapDirectory, name: str) -> None:
    """Composed, decomposed and capital letters are one name, and one key."""
    assert (await directory.authenticate(name, PASSWORD)).user_name == "jörg,x"


async def test_the_password_policy_is_understood(directory: LdapDirectory) -> None:
    """Locked, expired and must change are told by the policy's control; a good lock counts as disabled."""
    assert await _cause(directory, "again") is RefusalCause.MUST_CHANGE
    assert await _cause(directory, "old") is RefusalCause.EXPIRED
    assert await _cause(directory, "gone") is RefusalCause.LOCKED
    for _ in range(LOCKOUT_AFTER):
        assert await _cause(directory, "guessed", "wrong") is RefusalCause.WRONG
    assert await _cause(directory, "guessed") is RefusalCause.LOCKED
    by_name = {user.user_name: user.is_disabled for user in (await directory.read_all()).users}
    assert (by_name["gone"], by_name["guessed"]) == (True, False)


async def test_groups_within_groups_end_with_their_cycle(directory: LdapDirectory, server: Slapd) -> None:
    """All groups are found once, POSIX groups too, and no deeper than the configuration says."""
    ida = await directory.authenticate("ida", PASSWORD)
    assert sorted(group.name for group in await directory.groups_of(ida)) == ["inner", "middle", "outer", "unix"]
    flat = await of_slapds(server, group_depth=1).groups_of(ida)
    assert sorted(group.name for group in flat) == ["inner", "unix"]


async def test_everybody_is_read_although_sizes_are_limited(directory: LdapDirectory, server: Slapd) -> None:
    """Pages bring more than the size limit, and members have the names that their entries have."""
    change = await directory.read_all()
    assert change.is_complete
    assert len(change.users) == _MANY + 8
    assert change.present == {user.key for user in change.users} | {group.key for group in change.groups}
    groups, dns = {group.name: group for group in change.groups}, {user.dn for user in change.users}
    assert len(groups["all"].member_dns) == _MANY
    assert groups["all"].member_dns < dns
    assert groups["inner"].member_dns == {dn_of("ida"), f"cn=outer,{GROUPS}"}
    assert groups["unix"].member_dns == {dn_of("ida")}
    assert [host.state for host in directory.hosts()] == [HostState.UP]
    assert server.ldaps == directory.hosts()[0].url


async def test_more_than_the_server_gives_is_an_error() -> None:
    """A page larger than the limit, on a server that counts pages together, changes nobody: it raises."""
    with slapd("".join([person(f"u{number}") for number in range(_MANY)])) as limited:
        limited.stop()
        limited.reconfigure("size.prtotal=unlimited", f"size.prtotal={SIZE_LIMIT}")
        limited.start()
        with pytest.raises(DirectoryIncompleteError, match="limit"):
            await of_slapds(limited).read_all()


async def test_the_second_host_takes_over(server: Slapd) -> None:
    """When the first host is down people sign in at the second, and at the first again when it is back."""
    with slapd(person("ida")) as second:
        both = of_slapds(second, urls=(second.ldap, server.ldaps), ca_file=_both(second, server), cool_down_seconds=1.0)
        await both.authenticate("ida", PASSWORD)
        second.stop()
        await both.authenticate("ida", PASSWORD)
        assert [host.state for host in both.hosts()] == [HostState.COOLING, HostState.UP]
        probed = await both.probe(ProbeSection.REACH)
        assert (probed.is_ok, "refused" in probed.said, bool(probed.next_step)) == (False, True, True)
        second.start()
        await asyncio.sleep(1.1)
        await both.authenticate("ida", PASSWORD)
        assert [host.state for host in both.hosts()] == [HostState.UP, HostState.UP]


def _both(first: Slapd, second: Slapd) -> object:
    file = first.authority.file.with_name("both.pem")
    file.write_bytes(first.authority.file.read_bytes() + second.authority.file.read_bytes())
    return file


async def test_a_host_with_another_name_is_not_ours() -> None:
    """Over LDAPS and StartTLS alike, a certificate for another name ends it before any password."""
    with slapd(person("ida"), host="elsewhere.example.test") as other:
        for url in (other.ldaps, other.ldap):
            with pytest.raises(DirectoryUnavailableError, match="ostname mismatch"):
                await of_slapds(other, urls=(url,)).authenticate("ida", PASSWORD)


async def test_a_host_may_ask_for_our_certificate() -> None:
    """With a client certificate we come in, without one we do not."""
    with slapd(person("ida"), wants_client_certificate=True) as strict:
        certificate, key = strict.authority.server("leash")
        ours = {"client_certificate_file": certificate, "client_key_file": key}
        await of_slapds(strict, **ours).authenticate("ida", PASSWORD)
        with pytest.raises(DirectoryUnavailableError):
            await of_slapds(strict).authenticate("ida", PASSWORD)


async def test_people_bind_directly_with_their_own_rights(server: Slapd) -> None:
    """With a template of a name, the entry itself is read, and the groups with it; nobody else can be looked up."""
    template = f"uid={{user}},{PEOPLE}"
    direct = of_slapds(server, bind="direct", bind_template=template, bind_dn="", bind_password=None)
    ida = await direct.authenticate("ida", PASSWORD)
    assert ida.user_name == "ida"
    assert {group.name for group in await direct.groups_of(ida)} == {"inner", "middle", "outer", "unix"}
    assert (await direct.authenticate("jörg,x", PASSWORD)).user_name == "jörg,x"
    assert await _cause(direct, "ida", "wrong") is RefusalCause.WRONG
    with pytest.raises(DirectoryMisconfiguredError):
        await direct.find("ida")


async def test_whoever_the_filter_leaves_out_stays_out(server: Slapd) -> None:
    """A direct bind of somebody whom user_filter does not match lets nobody in, right password or not."""
    template = f"uid={{user}},{PEOPLE}"
    direct = of_slapds(
        server, bind="direct", bind_template=template, bind_dn="", bind_password=None, user_filter="(uid=u1)"
    )
    assert (await direct.authenticate("u1", PASSWORD)).user_name == "u1"
    assert await _cause(direct, "ida") is RefusalCause.UNKNOWN


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"bind_dn": f"cn=nobody,{BASE}"}, "bind_dn"),
        ({"user_base": f"ou=nowhere,{BASE}"}, "code 32"),
        ({"user_filter": "(&(objectClass=person)"}, "filter"),
        ({"ca_file": None}, "certificate"),
    ],
)
async def test_a_wrong_setting_is_told(server: Slapd, changed: dict[str, object], word: str) -> None:
    """Account, base, filter and authority: the error names what the server said."""
    with pytest.raises(DirectoryUnavailableError, match=word):
        await of_slapds(server, **changed).find("ida")


async def test_each_section_says_what_the_server_said(directory: LdapDirectory) -> None:
    """The probe tells of every part, and of somebody's groups."""
    told = {section: await directory.probe(section, "ida") for section in ProbeSection}
    assert all(result.is_ok and not result.next_step for result in told.values())
    assert SERVICE in told[ProbeSection.BIND].said
    assert dn_of("ida") in told[ProbeSection.FIND_USER].said
    assert told[ProbeSection.GROUPS].said == "inner, middle, outer, unix"
    nobody = await directory.probe(ProbeSection.FIND_USER, "nobody")
    assert (nobody.is_ok, bool(nobody.next_step)) == (False, True)


async def test_the_probe_says_that_the_authority_is_unknown(server: Slapd, directory: LdapDirectory) -> None:
    """The next step for an unknown authority is ca_file."""
    other = Authority(server.authority.file.parent, "Other Authority")
    probed = await of_slapds(server, ca_file=other.file).probe(ProbeSection.TLS)
    assert (probed.is_ok, "ca_file" in probed.next_step) == (False, True)
