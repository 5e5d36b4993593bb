"""A real Active Directory: signing in by every name, the reasons it gives, groups, and changes."""

import pytest

from appliance.adapters.ldap.directory import LdapDirectory
from appliance.identity.directories.errors import DirectoryMisconfiguredError, DirectoryRefusedError
from appliance.identity.directories.records import RefusalCause
from tests.support.directories import of_domain
from tests.support.samba import BASE, DOMAIN, LOCKOUT_AFTER, PASSWORD, PEOPLE, REALM, Samba

STAFF, EVES = f"OU=Namesakes,{BASE}", "Eves-own-pass-w0rd"


async def _cause(directory: LdapDirectory, user: str, password: str = PASSWORD) -> RefusalCause:
    with pytest.raises(DirectoryRefusedError) as refused:
        await directory.authenticate(user, password)
    return refused.value.cause


@pytest.fixture(scope="module")
def people(domain: Samba) -> Samba:
    """People in every state, and groups within groups that end where they began."""
    for name in ("ida", "off", "locked", "temp"):
        domain.add_user(name)
    domain.add_user("again", "--must-change-at-next-login")
    domain.user("disable off")
    domain.user("setexpiry temp --days=0")
    domain.add_group("inner", "ida")
    domain.add_group("middle", "inner")
    domain.add_group("outer", "middle")
    domain.add_members("inner", "outer")
    return domain


@pytest.fixture(scope="module")
def namesakes(domain: Samba) -> Samba:
    """Ada in a unit of her own, and eve outside of it with a principal name that is ada's account name elsewhere."""
    domain.modify(f"dn: CN=Partitions,CN=Configuration,{BASE}\nchangetype: modify\n"
                  "add: uPNSuffixes\nuPNSuffixes: corp.example\n")  # fmt: skip
    domain.modify(f"dn: {STAFF}\nchangetype: add\nobjectClass: organizationalUnit\n")
    domain.add_user("ada", "--userou=OU=Namesakes")
    domain.add_user("eve", password=EVES)
    domain.modify(f"dn: CN=eve,{PEOPLE}\nchangetype: modify\n"
                  "replace: userPrincipalName\nuserPrincipalName: ada@corp.example\n")  # fmt: skip
    return domain


@pytest.mark.parametrize("name", ["ida", "IDA", f"ida@{REALM}", "ida@example.test"])
async def test_somebody_signs_in_by_every_name(people: Samba, name: str) -> None:
    """Account name, principal name and address find one person, whose key is the objectGUID as Samba prints it."""
    user = await of_domain(people).authenticate(name, PASSWORD)
    assert [user.key] == people.search("(sAMAccountName=ida)", "objectGUID")
    assert (user.user_name, user.dn, user.is_disabled) == ("ida", f"cn=ida,{PEOPLE}".lower(), False)


@pytest.mark.parametrize("template", [f"{{user}}@{REALM}", f"{DOMAIN}\\{{user}}"])
async def test_people_bind_directly(people: Samba, template: str) -> None:
    """By principal name and by domain and name, with their own rights, groups included; the whole name may be typed."""
    direct = of_domain(people, bind="direct", bind_template=template, bind_dn="", bind_password=None)
    for typed in ("ida", template.replace("{user}", "ida")):
        ida = await direct.authenticate(typed, PASSWORD)
        assert ida.user_name == "ida"
        assert {group.name for group in await direct.groups_of(ida)} == {"inner", "middle", "outer"}
    assert await _cause(direct, "ida", "wrong") is RefusalCause.WRONG


@pytest.mark.parametrize("unit", [STAFF, BASE])
async def test_a_principal_name_like_anothers_account_name_takes_nothing_over(namesakes: Samba, unit: str) -> None:
    """The domain takes eve for ada@corp.example: her password never gives ada's account, wherever both are."""
    direct = of_domain(
        namesakes, bind="direct", bind_template="{user}@corp.example", bind_dn="", bind_password=None, user_base=unit
    )
    if unit == STAFF:
        assert await _cause(direct, "ada", EVES) is RefusalCause.UNKNOWN
    else:
        assert (await direct.authenticate("ada", EVES)).user_name == "eve"
    assert await _cause(direct, "ada") is RefusalCause.WRONG
    by_domain = of_domain(
        namesakes, bind="direct", bind_template=f"{DOMAIN}\\{{user}}", bind_dn="", bind_password=None, user_base=unit
    )
    assert (await by_domain.authenticate("ada", PASSWORD)).user_name == "ada"


async def test_start_tls_works_and_plaintext_is_refused(people: Samba) -> None:
    """A password over plain LDAP is turned away by the domain itself, even where our configuration allows it."""
    assert await of_domain(people, urls=(people.ldap,)).authenticate("ida", PASSWORD)
    plain = of_domain(people, urls=(people.ldap,), start_tls=False, allow_unencrypted=True)
    with pytest.raises(DirectoryMisconfiguredError, match="encrypt"):
        await plain.authenticate("ida", PASSWORD)


async def test_the_reasons_of_the_domain_are_understood(people: Samba) -> None:
    """Sub-codes 52e, 533, 773, 775 and an expired account become causes."""
    directory = of_domain(people)
    assert await _cause(directory, "ida", "wrong") is RefusalCause.WRONG
    assert await _cause(directory, "nobody") is RefusalCause.UNKNOWN
    assert await _cause(directory, "off") is RefusalCause.DISABLED
    assert await _cause(directory, "again") is RefusalCause.MUST_CHANGE
    assert await _cause(directory, "temp") is RefusalCause.EXPIRED
    for _ in range(LOCKOUT_AFTER):
        await _cause(directory, "locked", "wrong")
    assert await _cause(directory, "locked") is RefusalCause.LOCKED


async def test_groups_are_those_that_the_domain_itself_finds(people: Samba) -> None:
    """Our steps through groups in groups end with their cycle, and agree with the domain's own rule for chains."""
    directory = of_domain(people)
    ida = await directory.authenticate("ida", PASSWORD)
    ours = {group.key for group in await directory.groups_of(ida)}
    chain = f"(member:1.2.840.113556.1.4.1941:=CN=ida,{PEOPLE})"
    assert ours == set(people.search(chain, "objectGUID"))
    assert len(ours) == 3


async def test_everybody_is_read_from_the_top_of_the_domain(people: Samba) -> None:
    """In pages, without referrals to other partitions; disabled and expired people are marked."""
    change = await of_domain(people, page_size=10).read_all()
    states = {user.user_name: user.is_disabled for user in change.users}
    assert (states["ida"], states["off"], states["temp"], states["locked"]) == (False, True, True, False)
    groups = {group.name: group.member_dns for group in change.groups}
    assert groups["inner"] == {f"cn={name},{PEOPLE}".lower() for name in ("ida", "outer")}
    assert change.is_complete


async def test_changes_arrive_by_their_number(people: Samba) -> None:
    """New, disabled, renamed and deleted people and changed members are noticed by uSNChanged."""
    directory = of_domain(people)
    people.add_user("jan")
    people.add_user("kim")
    first = await directory.read_all()
    keys = {user.user_name: user.key for user in first.users}
    assert (await directory.read_since(first.cursor)).gone == ()
    second = await directory.read_since(first.cursor)  # a cursor that was used already: everything, not nothing
    assert second.is_complete
    people.user("disable jan")
    people.user("delete kim")
    people.add_user("liz")
    people.remove_members("middle", "inner")
    third = await directory.read_since(second.cursor)
    assert {(user.user_name, user.is_disabled) for user in third.users} == {("jan", True), ("liz", False)}
    assert third.gone == (keys["kim"],)
    assert [(group.name, group.member_dns) for group in third.groups] == [("middle", frozenset())]
    people.user("rename jan --samaccountname=jann --force-new-cn=Jann")
    fourth = await directory.read_since(third.cursor)
    assert {user.key: user.user_name for user in fourth.users}[keys["jan"]] == "jann"
    people.add_members("middle", "inner")


async def test_a_group_of_another_unit_is_out_of_sight(people: Samba) -> None:
    """Only groups below group_base count, at a sign-in as in a sync."""
    directory = of_domain(people, group_base=f"OU=Domain Controllers,{BASE}")
    ida = await directory.authenticate("ida", PASSWORD)
    assert await directory.groups_of(ida) == ()
    assert (await directory.read_all()).groups == ()
