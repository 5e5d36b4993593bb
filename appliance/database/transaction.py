"""The one transaction of a service verb."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from appliance.database.connection import Connection, abandon, pooled
from appliance.database.piccolo_conf import DB


@asynccontextmanager
async def transaction() -> AsyncIterator[None]:
    """Open the transaction that Piccolo queries and `current_connection()` use; nested calls join it.

    Commits at the end, rolls back on any exception; one that is cancelled, a time limit among them, ends at once with
    its connection, because a silent server would not answer a ROLLBACK either. Piccolo's own manager leaks its
    connection when a commit fails half-way, so this one gives the connection back whatever happens.

    Raises:
        DatabaseUnreachableError: no connection could be had within the connect time limit.
    """
    if DB.current_transaction.get() is not None:
        yield
        return
    async with pooled() as connection, transaction_on(connection):
        yield


@asynccontextmanager
async def transaction_on(connection: Connection) -> AsyncIterator[None]:
    """The same on a connection of the caller's, whatever transaction is running."""
    running = DB.transaction()
    running.connection = connection
    token = DB.current_transaction.set(running)
    inner = connection.transaction()
    try:
        await inner.start()
        try:
            yield
        except (asyncio.CancelledError, TimeoutError):
            abandon(connection)
            raise
        except BaseException:
            await inner.rollback()
            raise
        await inner.commit()
    finally:
        DB.current_transaction.reset(token)
