"""One database for all tests of a module: each opens asks of its own, and looks at no others."""

from collections.abc import AsyncIterator

import pytest

from appliance.database.connection import connect, disconnect
from tests.support.postgres import TestDatabase, TestPostgres


@pytest.fixture(scope="module")
async def committed_database(postgres: TestPostgres) -> AsyncIterator[TestDatabase]:
    """A migrated database of the module's own; the process's pool is connected to it as the service."""
    async with postgres.database() as database:
        await connect(database.service_url)
        try:
            yield database
        finally:
            await disconnect()
