"""A real PostgreSQL 18 for tests: one server a session, one copy of the migrated database a test."""

import asyncio
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import msgspec

from appliance.clock import utc_now
from appliance.database.embedded import EmbeddedPostgres
from appliance.database.setup import Endpoints, prepare
from tests.support import processes


class TestDatabase(msgspec.Struct, frozen=True, kw_only=True):
    """URLs of one database, one per role."""

    __test__ = False  # pytest collects classes of this name otherwise

    superuser_url: str
    owner_url: str
    service_url: str
    retention_url: str


class TestPostgres:
    """The session's server, with a migrated database to copy."""

    __test__ = False

    def __init__(self, server: EmbeddedPostgres, endpoints: Endpoints) -> None:
        """`endpoints` are those of the database that is copied; nobody may be connected to it."""
        self.server = server
        self._endpoints = endpoints
        self._made = 0

    @asynccontextmanager
    async def database(self) -> AsyncIterator[TestDatabase]:
        """A fresh copy, dropped afterwards."""
        self._made += 1
        name = f"test_{self._made}"
        template = urlsplit(self._endpoints.owner_url).path[1:]
        await self._run(f"CREATE DATABASE {name} TEMPLATE {template} OWNER leash_owner STRATEGY FILE_COPY")
        try:
            yield TestDatabase(
                superuser_url=_named(self.server.superuser_url, name),
                owner_url=_named(self._endpoints.owner_url, name),
                service_url=_named(self._endpoints.service_url, name),
                retention_url=_named(self._endpoints.retention_url, name),
            )
        finally:
            await self._run(f"DROP DATABASE {name} WITH (FORCE)")

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The whole server stopped in the middle (SIGSTOP): it neither answers nor refuses."""
        first = int((Path(self.server.layout.data) / "postmaster.pid").read_text().split()[0])
        pids = processes.family(first)
        try:
            for pid in pids:
                processes.end(pid, signal.SIGSTOP)
            yield
        finally:
            for pid in pids:
                processes.end(pid, signal.SIGCONT)

    async def _run(self, statement: str) -> None:
        connection = await asyncpg.connect(self.server.superuser_url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@asynccontextmanager
async def test_postgres() -> AsyncIterator[TestPostgres]:
    """Start the server in a directory of its own, and delete everything afterwards."""
    with tempfile.TemporaryDirectory(prefix="leash-test-") as folder:
        server = EmbeddedPostgres(Path(folder) / "state", is_durable=False)
        try:
            await asyncio.to_thread(server.start)
            yield TestPostgres(server, await prepare(server.owner_url, state=server.state, now=utc_now()))
        finally:
            await asyncio.to_thread(server.remove)


test_postgres.__test__ = False  # type: ignore[attr-defined] # pytest collects functions of this name otherwise


def _named(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))
