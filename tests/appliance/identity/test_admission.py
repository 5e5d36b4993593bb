"""Sign-ins of people of whom there is no news wait for nobody; the others wait without taking connections."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from appliance.database.connection import current_connection, open_connection
from appliance.database.transaction import transaction
from appliance.identity import accounts
from appliance.identity.accounts import accounts_of
from appliance.identity.admission import Queue, unchanged
from appliance.identity.changes import take_turn
from appliance.identity.errors import SignInBusyError
from appliance.identity.external import source_of
from appliance.identity.service import Identity
from tests.appliance.identity.external import profile
from tests.support.directory_sign_in import RIGHT, CountingDirectory, sign_ins
from tests.support.people import HERE, NOW
from tests.support.postgres import TestDatabase

CORP = source_of("corp")


@pytest.fixture
def corp() -> CountingDirectory:
    """A directory with Ida, who is in a group, and Bob, who is in none."""
    made = CountingDirectory()
    ida, _ = made.add("ida", "bob")
    made.passwords |= {"ida": RIGHT, "bob": RIGHT}
    made.group("Developers", [ida])
    return made


@asynccontextmanager
async def somebody_changes_people(database: TestDatabase) -> AsyncIterator[None]:
    """Another process has its turn, and takes its time."""
    connection = await open_connection(database.service_url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", await _turn())
            yield
    finally:
        await connection.close()


async def _turn() -> int:
    """The lock that `take_turn` takes."""
    async with transaction():
        await take_turn()
        number: int = await current_connection().fetchval(
            "SELECT (classid::bigint << 32) + objid::bigint FROM pg_locks WHERE locktype = 'advisory'"
            " AND pid = pg_backend_pid()"
        )
    return number


async def test_whoever_is_known_comes_in_while_others_change_people(
    committed: Identity, committed_database: TestDatabase, corp: CountingDirectory
) -> None:
    """A sync that takes long holds up nobody of whom the directory tells nothing new; it is noted that they came."""
    signing = sign_ins(committed, corp)
    first = await signing.by_directory("corp", "ida", RIGHT, HERE, NOW)
    async with somebody_changes_people(committed_database), asyncio.timeout(5):
        again = await signing.by_directory("corp", "ida", RIGHT, HERE, NOW)
    assert again.person_id == first.person_id
    [account] = await accounts_of(CORP)
    assert account.seen_at == NOW


async def test_whoever_is_new_waits_and_says_so_after_a_while(
    committed: Identity, committed_database: TestDatabase, corp: CountingDirectory
) -> None:
    """One waits in the database, the next one here, and no longer than it may; nobody's failures are counted."""
    signing = sign_ins(committed, corp, attempts=4)
    signing._queue = Queue(0.1)  # five seconds are long for a test
    async with somebody_changes_people(committed_database):
        waiting = asyncio.create_task(signing.by_directory("corp", "ida", RIGHT, HERE, NOW))
        await asyncio.sleep(0.1)
        for _ in range(5):
            with pytest.raises(SignInBusyError):
                await signing.by_directory("corp", "bob", RIGHT, HERE, NOW)
        assert not waiting.done()
    assert await waiting
    assert await signing.by_directory("corp", "bob", RIGHT, HERE, NOW)


@pytest.mark.parametrize("news", ["name", "group", "disabled", "nobody", "no key"])
async def test_any_news_takes_the_long_road(identity: Identity, corp: CountingDirectory, news: str) -> None:
    """Another name, another group, an account that was disabled, one that does not exist, a key that cannot be one."""
    await sign_ins(identity, corp).by_directory("corp", "ida", RIGHT, HERE, NOW)
    [account] = await accounts_of(CORP)
    [group] = corp.groups.values()
    told = profile("\0" if news == "no key" else "k-7" if news == "nobody" else account.key, email="ida@example.org")
    known = accounts.Profile(
        key=told.key, user_name="ida", display_name="Ida N." if news == "name" else "Ida", email=told.email
    )
    groups = {group.key: group.name} | ({"k-9": "Admins"} if news == "group" else {})
    async with transaction():
        if news == "disabled":
            await accounts.disable(CORP.actor, CORP, [account.key], NOW, cause="disabled")
        assert await unchanged(CORP, known, groups, NOW) is None


async def test_without_news_the_person_is_told(identity: Identity, corp: CountingDirectory) -> None:
    """With the same name, address and groups, or with groups that the source cannot tell."""
    session = await sign_ins(identity, corp).by_directory("corp", "ida", RIGHT, HERE, NOW)
    [account] = await accounts_of(CORP)
    [group] = corp.groups.values()
    known = accounts.Profile(key=account.key, user_name="ida", display_name="Ida", email="ida@example.org")
    for groups in ({group.key: group.name}, None):
        person = await unchanged(CORP, known, groups, NOW)
        assert person
        assert person.id == session.person_id
