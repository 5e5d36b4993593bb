"""Signing in by a real Active Directory that locks accounts after three wrong passwords."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from appliance.adapters.ldap.directory import LdapDirectory
from appliance.identity.directories.errors import DirectoryRefusedError, DirectorySignInRefusedError
from appliance.identity.directories.records import RefusalCause
from appliance.identity.queries import person_by_id
from appliance.identity.service import Identity
from tests.support.directories import of_domain
from tests.support.directory_sign_in import sign_ins
from tests.support.people import HERE, NOW, ledger_facts
from tests.support.samba import DOMAIN, LOCKOUT_AFTER, PASSWORD, REALM, Samba, samba


@pytest.fixture(scope="module")
def domain() -> Iterator[Samba]:
    """With people of each test's own, in a group within a group."""
    with samba() as running:
        for name in ("ida", "mia", "kim", "tom"):
            running.add_user(name)
        running.add_group("developers", "ida")
        running.add_group("staff", "developers")
        yield running


@pytest.fixture
async def directory(domain: Samba) -> AsyncIterator[LdapDirectory]:
    """By its service account."""
    made = of_domain(domain)
    yield made
    await made.close()


async def test_a_person_comes_in_with_nested_groups(identity: Identity, directory: LdapDirectory) -> None:
    """By each of their names, as one person."""
    signing = sign_ins(identity, directory)
    names = ("ida", "IDA", f"ida@{REALM}", "ida@example.test")
    sessions = [await signing.by_directory("corp", name, PASSWORD, HERE, NOW) for name in names]
    assert len({session.person_id for session in sessions}) == 1
    found = await person_by_id(sessions[0].person_id)
    assert found.email == "ida@example.test"
    assert {"directory:corp/developers", "directory:corp/staff"} <= found.groups


@pytest.mark.parametrize(
    ("name", "bind"),
    [
        ("mia", {}),
        ("tom", {"bind": "direct", "bind_template": f"{{user}}@{REALM}"}),
        ("tom", {"bind": "direct", "bind_template": f"{DOMAIN}\\{{user}}"}),
    ],
)
async def test_many_wrong_passwords_lock_nobody_out(
    identity: Identity, directory: LdapDirectory, domain: Samba, name: str, bind: dict[str, Any]
) -> None:
    """Thirty of them, by every spelling; the directory itself still lets the person in."""
    trying = of_domain(domain, **bind)
    signing = sign_ins(identity, trying, attempts_before_lockout=LOCKOUT_AFTER - 1, **bind)
    spellings = (name, name.upper(), f"{name}@{REALM}", f"{name}@example.test", f" {name}")
    try:
        for number in range(30):
            with pytest.raises(DirectorySignInRefusedError):
                await signing.by_directory("corp", spellings[number % len(spellings)], "wrong", HERE, NOW)
    finally:
        await trying.close()
    assert (await directory.authenticate(name, PASSWORD)).user_name == name


async def test_whom_the_domain_disables_is_out_at_the_next_attempt(
    committed: Identity, directory: LdapDirectory, domain: Samba
) -> None:
    """With every session; enabled there, they come in again as the same person, at once where nothing syncs."""
    signing = sign_ins(committed, directory, sync_seconds=0)
    session = await signing.by_directory("corp", "kim", PASSWORD, HERE, NOW)
    domain.user("disable kim")
    with pytest.raises(DirectoryRefusedError) as there:
        await directory.authenticate("kim", PASSWORD)
    assert there.value.cause is RefusalCause.DISABLED
    with pytest.raises(DirectorySignInRefusedError):
        await signing.by_directory("corp", "kim", PASSWORD, HERE, NOW)
    assert (await ledger_facts("sign_in.refused"))[-1]["cause"] == "disabled"
    assert await committed.sessions.authenticate(session.token, NOW) is None
    domain.user("enable kim")
    assert (await signing.by_directory("corp", "kim", PASSWORD, HERE, NOW)).person_id == session.person_id
