"""Signing in by a real OpenLDAP that locks accounts after three wrong passwords."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from appliance.adapters.ldap.directory import LdapDirectory
from appliance.clock import utc_now
from appliance.identity.directories.errors import (
    DirectoryRefusedError,
    DirectorySignInRefusedError,
    DirectoryUnavailableError,
)
from appliance.identity.directories.plans import RunKind, RunState
from appliance.identity.directories.records import DirectoryGroup, DirectoryUser, RefusalCause
from appliance.identity.directories.service import Directories
from appliance.identity.queries import person_by_id
from appliance.identity.service import Identity
from tests.support.directories import of_slapds
from tests.support.directory_sign_in import sign_ins
from tests.support.people import HERE, NOW, ledger_facts, make_owner
from tests.support.people import PASSWORD as LOCAL_PASSWORD
from tests.support.slapd import LOCKOUT_AFTER, PASSWORD, Slapd, dn_of, group, person, slapd
from tests.support.syncing import settings


@pytest.fixture(scope="module")
def server() -> Iterator[Slapd]:
    """With people of each test's own, in a group within a group."""
    people = "".join(person(uid) for uid in ("ida", "mia", "kim", "tom"))
    groups = group("developers", dn_of("ida"), dn_of("mia")) + group(
        "all", "cn=developers,ou=groups,dc=example,dc=test"
    )
    with slapd(people + groups) as running:
        yield running


@pytest.fixture
async def directory(server: Slapd) -> AsyncIterator[LdapDirectory]:
    """By its service account."""
    made = of_slapds(server)
    yield made
    await made.close()


async def test_a_person_comes_in_with_nested_groups(identity: Identity, directory: LdapDirectory) -> None:
    """By name and by address, as one person."""
    signing = sign_ins(identity, directory)
    sessions = [
        await signing.by_directory("slapd", user, PASSWORD, HERE, NOW) for user in ("ida", "IDA", "ida@example.test")
    ]
    assert len({session.person_id for session in sessions}) == 1
    found = await person_by_id(sessions[0].person_id)
    assert (found.display_name, found.email) == ("Ida", "ida@example.test")
    assert found.groups == {"directory:slapd/developers", "directory:slapd/all"}


async def test_many_wrong_passwords_lock_nobody_out(identity: Identity, directory: LdapDirectory) -> None:
    """Thirty of them, by two names; the directory itself still lets the person in, as it would not after three."""
    signing = sign_ins(identity, directory, attempts_before_lockout=LOCKOUT_AFTER - 1)
    for number in range(30):
        with pytest.raises(DirectorySignInRefusedError):
            await signing.by_directory("slapd", ("mia", "mia@example.test")[number % 2], "wrong", HERE, NOW)
    assert (await directory.authenticate("mia", PASSWORD)).user_name == "mia"
    for _ in range(LOCKOUT_AFTER):
        with pytest.raises(DirectoryRefusedError):
            await directory.authenticate("mia", "wrong")
    with pytest.raises(DirectoryRefusedError) as locked:
        await directory.authenticate("mia", PASSWORD)
    assert locked.value.cause is RefusalCause.LOCKED


async def test_whom_the_directory_has_locked_stays_out(
    committed: Identity, directory: LdapDirectory, server: Slapd
) -> None:
    """With the same words as everybody; the ledger says why."""
    signing = sign_ins(committed, directory)
    session = await signing.by_directory("slapd", "kim", PASSWORD, HERE, NOW)
    server.modify(
        f"dn: {dn_of('kim')}\nchangetype: modify\nadd: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z\n"
    )
    with pytest.raises(DirectorySignInRefusedError) as refused:
        await signing.by_directory("slapd", "kim", PASSWORD, HERE, NOW)
    assert str(refused.value) == DirectorySignInRefusedError.summary
    assert (await ledger_facts("sign_in.refused"))[-1]["cause"] == "locked"
    # Anybody can bring a lock about: what it ends is for sync to say, which reads it without anybody's attempt.
    assert await committed.sessions.authenticate(session.token, NOW)


async def test_a_joiner_who_leaves_during_their_first_sign_in_is_out_at_the_next_sync(
    committed: Identity, directory: LdapDirectory, server: Slapd
) -> None:
    """Sync met them disabled before the sign-in made their account; nothing in the directory changes any more."""
    directories = Directories([directory], {"slapd": settings()}, utc_now)
    sync = directories.syncs["slapd"]
    await sync.run()
    server.add(person("noa"))

    async def overtaken(user: DirectoryUser) -> tuple[DirectoryGroup, ...]:
        lock = f"dn: {dn_of('noa')}\nchangetype: modify\nadd: pwdAccountLockedTime\n"
        await asyncio.to_thread(server.modify, f"{lock}pwdAccountLockedTime: 000001010000Z\n")
        assert (await sync.run()).state is RunState.DONE
        return ()

    directory.groups_of = overtaken  # type: ignore[method-assign]
    session = await sign_ins(committed, directory).by_directory("slapd", "noa", PASSWORD, HERE, utc_now())
    assert await committed.sessions.authenticate(session.token, utc_now())
    run = await sync.run()
    assert (run.kind, run.counts["disabled"]) == (RunKind.FULL, 1)
    committed.sessions.forget()  # as every process does that hears of it
    assert await committed.sessions.authenticate(session.token, utc_now()) is None
    assert (await sync.run()).kind is RunKind.INCREMENTAL


async def test_local_owners_come_in_while_it_is_down(identity: Identity, server: Slapd) -> None:
    """A directory that nobody can reach is told as such."""
    owner = await make_owner(identity, NOW)
    elsewhere = of_slapds(server, urls=("ldaps://localhost:9",))
    try:
        with pytest.raises(DirectoryUnavailableError):
            await sign_ins(identity, elsewhere).by_directory("slapd", "tom", PASSWORD, HERE, NOW)
    finally:
        await elsewhere.close()
    code = owner.code(NOW)
    assert await identity.sign_ins.sign_in(
        email=owner.email, password=LOCAL_PASSWORD, code=code, origin=HERE, now=NOW
    )  # fmt: skip
