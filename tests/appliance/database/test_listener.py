"""What other processes commit is heard, also after the connection was lost."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from appliance.database import listener as listeners
from appliance.database.connection import Connection, current_connection, open_connection
from appliance.database.listener import Listener
from appliance.database.transaction import transaction
from tests.support.postgres import TestDatabase


class Heard:
    """Handlers for two channels, and what they were called with."""

    def __init__(self) -> None:
        self.calls: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self.handlers = {name: self._handler(name) for name in ("one", "two")}

    def _handler(self, name: str) -> listeners.Handler:
        return lambda payload: self.calls.put_nowait((name, payload))

    async def next(self) -> tuple[str, str]:
        async with asyncio.timeout(10):
            return await self.calls.get()


@pytest.fixture
async def heard(committed_database: TestDatabase) -> AsyncIterator[Heard]:
    """A listener that has caught up."""
    heard = Heard()
    listener = Listener(committed_database.service_url, heard.handlers)
    await listener.start()
    assert listener.is_listening
    assert [await heard.next(), await heard.next()] == [("one", ""), ("two", "")]
    yield heard
    await listener.stop()
    assert not listener.is_listening


@pytest.fixture
async def superuser(committed_database: TestDatabase) -> AsyncIterator[Connection]:
    """A connection that may end others."""
    connection = await open_connection(committed_database.superuser_url)
    yield connection
    await connection.close()


async def notify(channel: str, payload: str) -> None:
    await current_connection().execute("SELECT pg_notify($1, $2)", channel, payload)


async def end_listeners(superuser: Connection) -> None:
    await superuser.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
        "AND (query LIKE 'LISTEN%' OR query LIKE 'SELECT 1')"
    )


async def test_a_committed_notification_reaches_the_handler_of_its_channel(heard: Heard) -> None:
    """With its payload; one that is rolled back is never heard."""

    async def verb() -> None:
        async with transaction():
            await notify("one", "never")
            raise InterruptedError

    with pytest.raises(InterruptedError):
        await verb()
    async with transaction():
        await notify("two", "payload ü")
        await asyncio.sleep(0.05)
        assert heard.calls.empty()
    assert await heard.next() == ("two", "payload ü")
    assert heard.calls.empty()


async def test_after_a_lost_connection_every_handler_catches_up(heard: Heard, superuser: Connection) -> None:
    """It comes back by itself; what was said meanwhile is made up for by an empty payload."""
    for _ in range(3):
        await end_listeners(superuser)
        assert [await heard.next(), await heard.next()] == [("one", ""), ("two", "")]
        async with transaction():
            await notify("one", "after")
        assert await heard.next() == ("one", "after")


async def test_a_connection_that_hangs_is_found_by_a_probe(
    committed_database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network that drops packets closes nothing: the listener asks, and connects again."""
    monkeypatch.setattr(listeners, "PROBE_SECONDS", 0.2)
    heard, gates = Heard(), asyncio.Event()
    gates.set()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_closing: bool) -> None:
        while chunk := await reader.read(65536):
            if not gates.is_set():
                await gates.wait()
                return
            writer.write(chunk)
        if is_closing:
            writer.close()

    socket = committed_database.service_url.partition("host=")[2].replace("%2F", "/")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up, down = await asyncio.open_unix_connection(f"{socket}/.s.PGSQL.5432")
        await asyncio.gather(carry(reader, down, is_closing=True), carry(up, writer, is_closing=True))
        writer.close()
        down.close()

    proxy = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = proxy.sockets[0].getsockname()[1]
    login, _, rest = committed_database.service_url.partition("@/")
    listener = Listener(f"{login}@127.0.0.1:{port}/{rest.partition('?')[0]}?sslmode=disable", heard.handlers)
    await listener.start()
    assert [await heard.next(), await heard.next()] == [("one", ""), ("two", "")]
    gates.clear()
    async with asyncio.timeout(5):
        while listener.is_listening:  # noqa: ASYNC110 - it announces only what it hears
            await asyncio.sleep(0.01)
    gates.set()
    assert [await heard.next(), await heard.next()] == [("one", ""), ("two", "")]
    await listener.stop()
    proxy.close()


async def test_a_handler_that_fails_does_not_end_the_listening(committed_database: TestDatabase) -> None:
    """Everybody catches up again, the failed one included."""
    heard, fails = Heard(), [True]

    def fragile(payload: str) -> None:
        if fails.pop():
            raise ZeroDivisionError
        heard.calls.put_nowait(("fragile", payload))
        fails.append(False)

    listener = Listener(committed_database.service_url, {"fragile": fragile, **heard.handlers})
    fails.insert(0, False)
    await listener.start()
    assert [await heard.next() for _ in range(3)] == [("fragile", ""), ("one", ""), ("two", "")]
    await listener.stop()


async def test_a_start_without_a_database_returns_and_keeps_trying() -> None:
    """The process comes up; it listens as soon as it can."""
    heard = Heard()
    listener = Listener("postgresql://nobody:none@127.0.0.1:1/none", heard.handlers)
    async with asyncio.timeout(5):
        await listener.start()
        assert not listener.is_listening
        await listener.stop()
    assert heard.calls.empty()


async def test_a_listener_that_was_never_started_can_be_stopped() -> None:
    """Shutting down half-way is no error."""
    await Listener("postgresql:///", {}).stop()
