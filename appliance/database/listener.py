"""One connection per process that hears what other processes committed (LISTEN/NOTIFY), and comes back by itself."""

import asyncio
from collections.abc import Callable, Mapping

import structlog

from appliance.database.connection import UNREACHABLE, Connection, open_connection
from appliance.database.errors import DatabaseError

RECONNECT_SECONDS = 0.25
PROBE_SECONDS = 10.0
Handler = Callable[[str], None]
log = structlog.get_logger(__name__)


class Listener:
    """Calls a handler per notification; after a gap it calls every handler with an empty payload, to catch up."""

    def __init__(self, url: str, handlers: Mapping[str, Handler]) -> None:
        """`handlers` maps a channel to a plain function of the payload."""
        self._url = url
        self._handlers = handlers
        self._task: asyncio.Task[None] | None = None
        self.is_listening = False

    async def start(self) -> None:
        """Connect and listen; returns once the first connection listens or has failed."""
        ready = asyncio.Event()
        self._task = asyncio.create_task(self._run(ready), name="database-listener")
        await ready.wait()

    async def stop(self) -> None:
        """Close the connection."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, ready: asyncio.Event) -> None:
        while True:
            connection: Connection = None
            try:
                connection = await open_connection(self._url)
                await connection.execute("SET statement_timeout = '5s'")
                for channel, handler in self._handlers.items():
                    await connection.add_listener(channel, _receiver(handler))
                self.is_listening = True
                ready.set()
                for handler in self._handlers.values():
                    handler("")
                await self._watch(connection)
            except (*UNREACHABLE, DatabaseError) as problem:
                log.warning("database.listener_lost", problem=str(problem))
            except Exception:  # a handler's: without this task nobody would hear of answers any more
                log.exception("database.listener_failed")
            finally:
                self.is_listening = False
                ready.set()
                if connection is not None:
                    connection.terminate()
            await asyncio.sleep(RECONNECT_SECONDS)

    @staticmethod
    async def _watch(connection: Connection) -> None:
        """Return when the connection is gone; a silent network is found by a probe."""
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _connection: lost.set())
        while not lost.is_set():
            try:
                await asyncio.wait_for(lost.wait(), PROBE_SECONDS)
            except TimeoutError:
                await connection.fetchval("SELECT 1", timeout=PROBE_SECONDS / 2)


def _receiver(handler: Handler) -> Callable[[object, int, str, object], None]:
    def receive(_connection: object, _process: int, _channel: str, payload: object) -> None:
        handler(str(payload))

    return receive
