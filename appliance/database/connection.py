"""The process's connections: Piccolo's pool for everything, single asyncpg connections for special roads."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import asyncpg

from appliance.database.errors import (
    DatabaseError,
    DatabaseUnreachableError,
    DatabaseVersionError,
    SetupRefusedError,
)
from appliance.database.piccolo_conf import DB

CONNECT_TIMEOUT_SECONDS = 5
SUPPORTED_MAJOR = 18
# What the server gets on top of its own limit of a statement before it counts as silent: without a limit here, a
# connection whose packets are dropped would be waited for as long as TCP tries, and the pool would run empty.
SILENCE_SECONDS = 2
# A connection that nobody uses is a process of PostgreSQL that keeps 2 to 5 MB.
_IDLE_SECONDS = 5
_STATEMENT_SECONDS = 30
# The last one is what asyncpg raises, instead of a connection error, when the server dies in the middle of a reply.
UNREACHABLE = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
Connection = Any  # asyncpg.Connection and its pool proxy share no typed base


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Tell what the database refuses while it is set up; `doing` begins the sentence.

    Raises:
        SetupRefusedError: missing rights, or a role that does not exist.
        DatabaseError: anything else.
    """
    try:
        yield
    except (asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedObjectError) as problem:
        raise SetupRefusedError(f"{doing} failed: {problem}") from problem
    except UNREACHABLE as problem:
        raise DatabaseError(f"{doing} failed: {problem}") from problem


def session_settings(application: str, statement_timeout_seconds: int = _STATEMENT_SECONDS) -> dict[str, str]:
    """Settings of each session: bounded statements and transactions, never an asynchronous commit."""
    return {
        "application_name": application,
        "statement_timeout": f"{statement_timeout_seconds}s",
        "transaction_timeout": f"{4 * statement_timeout_seconds}s",
        "idle_in_transaction_session_timeout": f"{2 * statement_timeout_seconds}s",
        "synchronous_commit": "on",
        "timezone": "UTC",
    }


async def open_connection(url: str, settings: Mapping[str, str] | None = None) -> Connection:
    """One asyncpg connection to `url`.

    Raises:
        DatabaseUnreachableError: refused, timed out, or wrong credentials.
        DatabaseVersionError: not PostgreSQL 18.
    """
    try:
        connection = await asyncpg.connect(
            url, timeout=CONNECT_TIMEOUT_SECONDS, server_settings=dict(settings or session_settings("leash"))
        )
    except UNREACHABLE as problem:
        raise DatabaseUnreachableError(f"The database cannot be reached: {problem}") from problem
    major = connection.get_server_version().major
    if major != SUPPORTED_MAJOR:
        await connection.close()
        raise DatabaseVersionError(f"The server is PostgreSQL {major}; this release needs {SUPPORTED_MAJOR}")
    return connection


async def connect(
    url: str,
    *,
    pool_size: int = 8,
    settings: Mapping[str, str] | None = None,
    statement_timeout_seconds: int = _STATEMENT_SECONDS,
) -> None:
    """Give the process's engine its address and open its pool (at most `pool_size` connections).

    `statement_timeout_seconds` is that of `settings`: a statement that takes longer has been lost on the way.
    """
    probe = await open_connection(url, settings)
    await probe.close()
    DB.config = {"dsn": url, "server_settings": dict(settings or session_settings("leash"))}
    DB.pool = await asyncpg.create_pool(
        **DB.config,
        min_size=1,
        max_size=pool_size,
        timeout=CONNECT_TIMEOUT_SECONDS,
        command_timeout=statement_timeout_seconds + SILENCE_SECONDS,
        max_inactive_connection_lifetime=_IDLE_SECONDS,
    )


async def disconnect() -> None:
    """Close the pool at once; what was under way is rolled back."""
    pool, DB.pool = DB.pool, None
    if pool is not None:
        pool.terminate()


def current_connection() -> Connection:
    """The asyncpg connection of the running transaction, for SQL with `$1` parameters.

    Raises:
        RuntimeError: no transaction is running.
    """
    running = DB.current_transaction.get()
    if running is None:
        message = "no transaction is running; open one with `async with transaction():`"
        raise RuntimeError(message)
    return running.connection


def abandon(connection: Connection) -> None:
    """Cut a connection off: to give it back would wait for the server, and a silent one never answers."""
    with suppress(asyncpg.InterfaceError):  # a connection of the pool knows nothing any more once it is cut off
        connection.terminate()


@asynccontextmanager
async def pooled() -> AsyncIterator[Connection]:
    """A connection of the pool, given back whatever happens.

    Raises:
        DatabaseUnreachableError: none could be had within the connect time limit.
    """
    pool = DB.pool
    if pool is None:
        raise DatabaseUnreachableError
    try:
        connection = await pool.acquire(timeout=CONNECT_TIMEOUT_SECONDS)
    except UNREACHABLE as problem:
        raise DatabaseUnreachableError(f"The database cannot be reached: {problem}") from problem
    try:
        yield connection
    except (asyncio.CancelledError, TimeoutError):
        abandon(connection)
        raise
    finally:
        await pool.release(connection)


@asynccontextmanager
async def read_connection() -> AsyncIterator[Connection]:
    """A connection to read from: the running transaction's, or one of the pool's for a moment."""
    running = DB.current_transaction.get()
    if running is not None:
        yield running.connection
        return
    async with pooled() as connection:
        yield connection
