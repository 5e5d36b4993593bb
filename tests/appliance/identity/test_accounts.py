"""Accounts of directories and providers: who they are, and what becomes of people whom a source disables."""

from datetime import timedelta

import pytest

from appliance.database.connection import current_connection
from appliance.database.identifiers import uuid7
from appliance.database.transaction import transaction
from appliance.identity import accounts
from appliance.identity.errors import (
    AccountKeyRefusedError,
    AccountTakenError,
    DisabledElsewhereError,
    EmailTakenError,
    PersonUnknownError,
    RoleChangeRefusedError,
)
from appliance.identity.queries import person_by_id
from appliance.identity.records import Origin, Role, SessionKind, Source, SourceKind
from appliance.identity.service import Identity
from appliance.ledger.records import Actor, ActorKind
from tests.appliance.identity.external import CORP, STAFF, disable, enable, profile, provision
from tests.support.people import NOW, Someone, ledger_events, ledger_facts, make_owner, make_person

OPERATOR = Actor(kind=ActorKind.OPERATOR, id="leashctl")
LATER = NOW + timedelta(hours=1)


def test_a_source_is_the_text_of_its_kind_and_name() -> None:
    """Both ways."""
    assert str(CORP) == "directory:corp"
    assert Source.of("scim:okta") == Source(SourceKind.SCIM, "okta")
    with pytest.raises(ValueError, match="elsewhere"):
        Source.of("elsewhere:x")


async def test_whoever_a_source_lets_in_is_a_person_without_rights(identity: Identity) -> None:
    """With a name, an address, an account and nothing else."""
    person_id = await provision("ida", email="Ida@Example.ORG")
    person = await person_by_id(person_id)
    assert (person.display_name, person.email) == ("Ida", "ida@example.org")
    assert person.sources == {"directory:corp"}
    assert (person.roles, person.groups, person.scoped) == (frozenset(), frozenset(), frozenset())
    assert person.can_come_in
    assert not person.has_credential
    account = await accounts.find_account(CORP, "ida")
    assert account is not None
    assert (account.person_id, account.source, account.is_disabled, account.seen_at) == (person_id, CORP, False, NOW)
    assert await accounts.find_account(STAFF, "ida") is None
    assert await ledger_facts("person.provisioned") == [{"source": "directory:corp"}]


async def test_the_same_account_is_the_same_person(identity: Identity) -> None:
    """Two sign-ins at once make one person."""
    assert await provision("ida") == await provision("ida")
    assert (await ledger_events())["person.provisioned"] == 1


async def test_several_people_have_no_address(identity: Identity) -> None:
    """An address that is none counts as none; it keeps nobody out, and finds nobody."""
    await provision("ida")
    bob = await provision("bob", email="not an address")
    assert (await person_by_id(bob)).email == ""


async def test_nobody_becomes_somebody_else_by_their_address(identity: Identity, owner: Someone) -> None:
    """Neither the owner, nor whoever was told of first."""
    with pytest.raises(EmailTakenError):
        await provision("mallory", email=owner.email.upper())
    async with transaction():
        told = [profile("ida", email="x@example.org"), profile("bob", email="X@example.org")]
        done = await accounts.provision_many(CORP.actor, CORP, told, NOW)
    assert set(done.people) == {"ida"}
    assert done.taken == {"bob"}


async def test_what_a_source_gets_wrong_keeps_nobody_out(identity: Identity) -> None:
    """Names with control characters, without any text, or too long are made fit to be shown."""
    strange = accounts.Profile(key="k\u20ac", user_name="\u0000\u202e" * 900, display_name=" \n ", email="a" * 900)
    async with transaction():
        person_id = await accounts.provision(CORP.actor, CORP, strange, NOW)
    person = await person_by_id(person_id)
    assert person.display_name
    assert "\0" not in person.display_name
    assert person.email == ""


@pytest.mark.parametrize("key", ["", "a\0b", "a\nb", "k" * 256])
async def test_a_key_that_cannot_be_kept_is_refused_and_finds_nobody(identity: Identity, key: str) -> None:
    """To cut it or to clean it could make two people one."""
    assert await accounts.find_account(CORP, key) is None
    with pytest.raises(AccountKeyRefusedError):
        await provision(key)


async def test_a_disabled_person_is_out_with_the_commit(identity: Identity) -> None:
    """Sessions and links are gone; the entry says how many."""
    person_id = await provision("ida")
    async with transaction():
        new = await identity.sessions.begin(person_id, SessionKind.DEVICE, Origin(), NOW)
    assert await identity.sessions.authenticate(new.token, NOW)
    ended = await disable("ida", "nobody")
    assert (ended.people, ended.sessions, ended.machines, ended.spared) == (1, 1, 0, ())
    identity.sessions.forget()
    assert await identity.sessions.authenticate(new.token, NOW) is None
    assert await ledger_facts("person.disabled") == [
        {"source": "directory:corp", "cause": "disabled", "sessions": 1, "machines": 0}
    ]
    assert (await disable("ida")).people == 0
    assert (await ledger_events())["person.disabled"] == 1


async def test_machines_that_stop_are_counted(identity: Identity) -> None:
    """Those that are linked to the person, and those that have the address; not revoked ones."""
    person_id = await provision("ida", email="ida@example.org")
    async with transaction():
        await current_connection().execute(
            "INSERT INTO machine (id, token_hash, deployment_token_id, hostname, platform, os_release, client_version, "
            "mode, email, display_name, person_id, enrolled_at, revoked_at) "
            "SELECT uuidv7(), m.hash, uuidv7(), '', '', '', '', '', m.email, '', m.person, $2, m.revoked FROM (VALUES "
            "('\\x01'::bytea, '', $1::uuid, NULL::timestamptz), ('\\x02', 'ida@example.org', NULL, NULL), "
            "('\\x03', '', $1, $2), ('\\x04', '', NULL, NULL)) AS m(hash, email, person, revoked)",
            person_id,
            NOW,
        )
    assert (await disable("ida")).machines == 2


async def test_only_the_source_that_disabled_somebody_enables_them(identity: Identity, owner: Someone) -> None:
    """An owner cannot, the operator can."""
    person_id = await provision("ida")
    await disable("ida")
    assert (await person_by_id(person_id)).disabled_by == "directory:corp"
    assert await enable("ida", source=STAFF) == 0
    with pytest.raises(DisabledElsewhereError, match="directory:corp"):
        await identity.people.enable(owner.actor, person_id, NOW)
    assert await enable("ida") == 1
    assert not (await person_by_id(person_id)).is_disabled
    await disable("ida")
    await identity.people.enable(OPERATOR, person_id, NOW)
    assert not (await person_by_id(person_id)).is_disabled


async def test_whom_an_administrator_disabled_no_source_enables(identity: Identity, owner: Someone) -> None:
    """Also if the source had disabled them before."""
    person_id = await provision("ida")
    await disable("ida")
    await identity.people.disable(owner.actor, person_id, NOW)
    assert await enable("ida") == 0
    person = await person_by_id(person_id)
    assert (person.is_disabled, person.disabled_by) == (True, "")
    await identity.people.enable(owner.actor, person_id, NOW)
    assert not (await person_by_id(person_id)).is_disabled


async def test_each_source_must_want_a_person_in_again(identity: Identity) -> None:
    """The one that still does not is who disabled them from now on."""
    person_id = await provision("ida")
    async with transaction():
        await accounts.link(STAFF.actor, STAFF, profile("ida-sub"), person_id, NOW)
    await disable("ida")
    await disable("ida-sub", source=STAFF)
    assert await enable("ida") == 0
    person = await person_by_id(person_id)
    assert (person.is_disabled, person.disabled_by) == (True, "provider:staff")
    assert await enable("ida-sub", source=STAFF) == 1


async def test_an_account_is_linked_by_whoever_manages_the_person(identity: Identity, owner: Someone) -> None:
    """It gives the person's rights away, so an administrator cannot link an owner; once is enough."""
    admin = await make_person(identity, Role.ADMINISTRATOR, "adam@example.org", NOW)
    member = await make_person(identity, Role.MEMBER, "mia@example.org", NOW)
    async with transaction():
        await accounts.link(admin.actor, CORP, profile("mia"), member.id, NOW)
        await accounts.link(admin.actor, CORP, profile("mia"), member.id, NOW)
    assert [each.key for each in await accounts.accounts_of_person(member.id)] == ["mia"]
    assert (await ledger_events())["account.linked"] == 1
    with pytest.raises(RoleChangeRefusedError):
        await accounts.link(admin.actor, CORP, profile("x"), owner.id, NOW)
    with pytest.raises(AccountTakenError):
        await accounts.link(owner.actor, CORP, profile("mia"), admin.id, NOW)
    with pytest.raises(PersonUnknownError):
        await accounts.link(owner.actor, CORP, profile("y"), uuid7(), NOW)


async def test_a_person_who_is_renamed_or_moves_stays_the_same(identity: Identity) -> None:
    """Name, user name and address follow the source; a second telling changes nothing."""
    person_id = await provision("ida", email="ida@example.org")
    await provision("bob", email="bob@example.org")
    told = accounts.Profile(key="ida", user_name="ida.lind", display_name="Ida Lind", email="lind@example.org")
    async with transaction():
        assert await accounts.refresh(CORP.actor, CORP, told, LATER)
        assert not await accounts.refresh(CORP.actor, CORP, told, LATER)
        assert not await accounts.refresh(CORP.actor, CORP, profile("unknown"), LATER)
    person, account = await person_by_id(person_id), await accounts.find_account(CORP, "ida")
    assert (person.display_name, person.email) == ("Ida Lind", "lind@example.org")
    assert account is not None
    assert (account.user_name, account.seen_at, account.person_id) == ("ida.lind", LATER, person_id)
    changed = {"source": "directory:corp", "changed": ["user_name", "display_name", "email"]}
    assert await ledger_facts("account.changed") == [changed]


async def test_addresses_are_exchanged_but_never_taken_away(identity: Identity) -> None:
    """Two people may swap; whoever wants an address that somebody keeps, keeps the own one, and so on along a chain."""
    people = {key: await provision(key, email=f"{key}@example.org") for key in ("ann", "bea", "cai", "dov")}
    wanted = {"ann": "bea", "bea": "ann", "cai": "dov"}
    async with transaction():
        told = [profile(key, email=f"{to}@example.org") for key, to in wanted.items()]
        assert await accounts.refresh_many(CORP.actor, CORP, told, NOW) == 2
        chain = [profile("dov", email="cai@example.org"), profile("cai", email="bea@example.org")]
        assert await accounts.refresh_many(CORP.actor, CORP, chain, NOW) == 0
    emails = {key: (await person_by_id(person)).email for key, person in people.items()}
    assert emails == {
        "ann": "bea@example.org", "bea": "ann@example.org", "cai": "cai@example.org", "dov": "dov@example.org",
    }  # fmt: skip


async def test_a_linked_account_says_nothing_of_who_was_known_before(identity: Identity) -> None:
    """A provider must not rename an owner, or give the owner's sign-in another address."""
    owner = await make_owner(identity, NOW)
    async with transaction():
        await accounts.link(OPERATOR, STAFF, profile("sub"), owner.id, NOW)
        told = accounts.Profile(key="sub", user_name="new", display_name="Evil", email="evil@example.org")
        assert await accounts.refresh(STAFF.actor, STAFF, told, NOW)
    person = await person_by_id(owner.id)
    assert (person.display_name, person.email) == ("Ada Lovelace", owner.email)


async def test_the_last_owner_is_spared_and_the_ledger_says_so_once(identity: Identity) -> None:
    """A sync that repeats itself every other minute does not fill the ledger; a second owner ends the sparing."""
    first = await provision("ida")
    await identity.people.grant_role(OPERATOR, first, Role.OWNER, NOW)
    other = await provision("bob")
    for _ in range(3):
        assert (await disable("ida", "bob")).spared == ("ida",)
    assert await ledger_facts("person.spared") == [{"source": "directory:corp", "change": "disable"}]
    account = await accounts.find_account(CORP, "ida")
    assert account is not None
    assert (account.is_disabled, account.spared_at) == (False, NOW)
    assert (await person_by_id(other)).is_disabled
    await make_owner(identity, NOW)
    assert (await disable("ida")).people == 1
