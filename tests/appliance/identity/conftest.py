"""Identity with cheap passwords on a real database."""

from collections.abc import Iterator

import pytest

from appliance.identity.passwords import Cost, Passwords
from appliance.identity.records import Limits
from appliance.identity.service import Identity, build_identity
from tests.support.people import NOW, Someone, make_owner
from tests.support.postgres import TestDatabase

KEY = bytes(range(32))
CHEAP = Cost(passes=1, memory_kib=8, lanes=1)


@pytest.fixture
def built() -> Iterator[Identity]:
    """Identity as bootstrap builds it, ten attempts a minute; it needs a database to do anything."""
    made = build_identity(
        KEY,
        limits=Limits(),
        sign_in_attempts_per_minute=10,
        owner_link_minutes=60,
        issuer="OpenLeash",
        passwords=Passwords(CHEAP),
    )
    yield made
    made.close()


@pytest.fixture
async def identity(built: Identity, rolled_back_database: TestDatabase) -> Identity:
    """Identity in a transaction that is rolled back."""
    return built


@pytest.fixture
async def committed(built: Identity, committed_database: TestDatabase) -> Identity:
    """Identity on a database of the test's own, for what happens at once or must be rolled back."""
    return built


@pytest.fixture
async def owner(identity: Identity) -> Someone:
    """The owner."""
    return await make_owner(identity, NOW)
