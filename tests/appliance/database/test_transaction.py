"""One transaction per verb: it commits whole or not at all, and its connection goes back to the pool."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import asyncpg
import pytest

from appliance.database import connection as connections
from appliance.database.connection import (
    connect,
    current_connection,
    disconnect,
    open_connection,
    pooled,
    read_connection,
    session_settings,
)
from appliance.database.errors import DatabaseUnreachableError
from appliance.database.piccolo_conf import DB
from appliance.database.transaction import transaction
from appliance.policy.tables import PolicyVersionTable
from tests.support.postgres import TestDatabase, TestPostgres

pytestmark = pytest.mark.usefixtures("committed_database")
KEYS = "SELECT array_agg(failures ORDER BY failures) FROM sign_in_throttle"


class OopsError(Exception):
    """Something that goes wrong in a verb."""


@pytest.fixture
async def narrow_pool(committed_database: TestDatabase) -> AsyncIterator[None]:
    """A pool of two connections: a leaked one is soon missed."""
    await disconnect()
    await connect(committed_database.service_url, pool_size=2)
    yield
    await disconnect()


async def put(number: int) -> None:
    await current_connection().execute(
        "INSERT INTO sign_in_throttle (key, failures, turned_away, last_at) VALUES ($1, $2, 0, now())",
        number.to_bytes(2, "big"),
        number,
    )


async def kept() -> list[int]:
    async with read_connection() as connection:
        return await connection.fetchval(KEYS) or []


async def free_connections() -> int:
    pool = DB.pool
    assert pool is not None
    return int(pool.get_max_size() - pool.get_size() + pool.get_idle_size())


async def test_a_verb_commits_at_its_end_and_not_before() -> None:
    """Others see it when it is complete."""
    async with transaction():
        await put(1)
        async with pooled() as other:
            assert await other.fetchval(KEYS) is None
        assert await kept() == [1]
    assert await kept() == [1]


async def test_an_exception_undoes_everything() -> None:
    """Piccolo's queries and those on the connection alike."""

    async def verb() -> None:
        async with transaction():
            await put(1)
            assert await PolicyVersionTable.count() == 0
            raise OopsError

    with pytest.raises(OopsError):
        await verb()
    assert await kept() == []


async def test_a_nested_verb_joins_the_running_transaction() -> None:
    """Its end commits nothing; its failure, if it is caught, undoes nothing."""

    async def verb() -> None:
        async with transaction():
            outer = current_connection()
            async with transaction():
                assert current_connection() is outer
                await put(1)
            raise OopsError

    with pytest.raises(OopsError):
        await verb()
    assert await kept() == []
    async with transaction():
        await put(1)
        with suppress(OopsError):
            async with transaction():
                await put(2)
                raise OopsError
    assert await kept() == [1, 2]


async def test_without_a_transaction_there_is_no_current_connection() -> None:
    """A write that forgot its transaction is told so."""
    with pytest.raises(RuntimeError, match="no transaction is running"):
        current_connection()
    async with transaction():
        assert current_connection() is not None
    with pytest.raises(RuntimeError):
        current_connection()


async def test_tasks_have_transactions_of_their_own() -> None:
    """What runs at the same time does not share one."""
    both = asyncio.Barrier(2)

    async def verb(number: int, *, fails: bool) -> None:
        async with transaction():
            await put(number)
            await both.wait()
            if fails:
                raise OopsError

    results = await asyncio.gather(verb(1, fails=False), verb(2, fails=True), return_exceptions=True)
    assert isinstance(results[1], OopsError)
    assert await kept() == [1]


@pytest.mark.usefixtures("narrow_pool")
async def test_the_connection_goes_back_whatever_happens() -> None:
    """After exceptions, refused statements, cancelled tasks, a commit that fails, and an ended backend."""

    async def raises() -> None:
        async with transaction():
            raise OopsError

    async def is_refused() -> None:
        async with transaction():
            await current_connection().execute("SELECT 1 / 0")

    async def is_cancelled() -> None:
        async with asyncio.timeout(0.05), transaction():
            await current_connection().execute("SELECT pg_sleep(30)")

    async def commit_fails() -> None:
        async with transaction():
            connection = current_connection()
            await connection.execute("CREATE TEMPORARY TABLE IF NOT EXISTS one (id integer UNIQUE DEFERRABLE "
                "INITIALLY DEFERRED) ON COMMIT DELETE ROWS")  # fmt: skip
            await connection.execute("INSERT INTO one VALUES (1), (1)")

    async def ends() -> None:
        async with transaction():
            await current_connection().execute("SELECT pg_terminate_backend(pg_backend_pid())")

    for verb in (raises, is_refused, is_cancelled, commit_fails, ends):
        for _ in range(3):
            with pytest.raises((OopsError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
                await verb()
            assert DB.current_transaction.get() is None
            assert await free_connections() == 2
    async with transaction():
        await put(1)
    assert await kept() == [1]


@pytest.mark.usefixtures("narrow_pool")
async def test_an_exhausted_pool_is_told_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A verb that finds no connection fails instead of waiting for ever."""
    monkeypatch.setattr(connections, "CONNECT_TIMEOUT_SECONDS", 0.1)
    async with pooled(), pooled():
        with pytest.raises(DatabaseUnreachableError, match="cannot be reached"):
            async with transaction():
                pass
    async with transaction():
        pass


async def test_every_session_is_bounded_and_durable() -> None:
    """Statements, transactions and idle transactions have limits; a commit waits for the disk."""
    async with pooled() as connection:
        shown = {name: await connection.fetchval(f"SHOW {name}") for name in session_settings("leash")}
    assert shown == {
        "application_name": "leash",
        "statement_timeout": "30s",
        "transaction_timeout": "2min",
        "idle_in_transaction_session_timeout": "1min",
        "synchronous_commit": "on",
        "timezone": "UTC",
    }


async def test_what_cannot_be_reached_is_told_without_the_password(committed_database: TestDatabase) -> None:
    """No server, no such database, a wrong password."""
    password = committed_database.service_url.partition(":")[2].partition("@")[0].partition(":")[2]
    for url in (
        "postgresql://leash:hunter2@127.0.0.1:1/leash",
        "postgresql://leash:hunter2@/leash?host=%2Fnonexistent",
        committed_database.service_url.replace("/test_", "/missing_"),
        committed_database.service_url.replace(password, "hunter2"),
    ):
        with pytest.raises(DatabaseUnreachableError) as raised:
            await open_connection(url)
        assert raised.value.detail.startswith("The database cannot be reached: ")
        assert "hunter2" not in raised.value.detail
        assert password not in raised.value.detail
    await disconnect()
    with pytest.raises(DatabaseUnreachableError):
        async with transaction():
            pass


async def test_a_database_that_falls_silent_costs_no_connection(
    committed_database: TestDatabase, postgres: TestPostgres
) -> None:
    """A statement, a read and a commit end a little after the limit that the server has forgotten of."""
    await disconnect()
    await connect(committed_database.service_url, pool_size=3, statement_timeout_seconds=0)

    async def verb(*, is_read: bool) -> None:
        if is_read:
            async with read_connection() as connection:
                await connection.fetchval("SELECT 1")
            return
        async with transaction():
            await current_connection().execute("SELECT 1")
            paused.set()
            await stopped.wait()

    paused, stopped = asyncio.Event(), asyncio.Event()
    committing = asyncio.create_task(verb(is_read=False))
    await paused.wait()
    with postgres.paused():
        stopped.set()
        verbs = asyncio.gather(committing, verb(is_read=True), verb(is_read=False), return_exceptions=True)
        results = await asyncio.wait_for(verbs, connections.SILENCE_SECONDS + connections.CONNECT_TIMEOUT_SECONDS + 1)
    assert all(isinstance(result, (*connections.UNREACHABLE, DatabaseUnreachableError)) for result in results), results
    assert await free_connections() == 3
    async with transaction():
        await put(1)
    assert await kept() == [1]
