"""Open pages and apps: what an idle stream costs, how soon it hears of an ask, and what a restart does to it."""

import asyncio
import os
import resource
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import cycle
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from appliance.actions.records import AskTerms
from appliance.approvals.records import NewAsk
from appliance.bootstrap import Appliance, open_appliance
from appliance.database.identifiers import uuid7
from appliance.database.transaction import transaction
from appliance.identity.records import Role
from appliance.ledger.records import Actor, ActorKind
from tests.bench.figures import Figures, percentile, spread_ms
from tests.bench.installation import Installation
from tests.bench.memory import SETTLE_SECONDS, sizes
from tests.support.asks import new_ask
from tests.support.people import OPERATOR

STREAMS = 2000
PEOPLE = 200
ASKS = 100
STORM_SECONDS = 60.0
_OPENED_AT_ONCE = 50
_MACHINE = Actor(kind=ActorKind.MACHINE, id=str(uuid7()))


def measure(installation: Installation) -> Figures:
    """2,000 streams of 200 people: idle, told of an ask of one of them, told of one of all, and cut off together."""
    wanted = STREAMS + 1000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    return asyncio.run(_measure(installation))


async def _measure(installation: Installation) -> Figures:
    async with open_appliance(installation.config()) as appliance:
        people, tokens = await _people(appliance)
        await asyncio.sleep(SETTLE_SECONDS)
        before = sizes(installation)
        readers = [Reader(installation.port, token) for _, token in zip(range(STREAMS), cycle(tokens), strict=False)]
        began = time.monotonic()
        async with _open(readers):
            opened = time.monotonic() - began
            await asyncio.sleep(SETTLE_SECONDS)
            after = sizes(installation)
            return {
                "streams": sum(reader.is_open for reader in readers),
                "opening_seconds": round(opened, 1),
                "memory": {
                    "before_mb": before["sum_mb"],
                    "with_streams_mb": after["sum_mb"],
                    "server_kb_per_stream": round(1024 * (after["server_mb"] - before["server_mb"]) / STREAMS, 1),
                },
                "one_hears": await _heard(appliance, readers[::PEOPLE]),
                "everybody_hears": await _all_hear(appliance, people, readers),
                "storm": await _storm(installation, readers),
            }


class Reader(asyncio.Protocol):
    """A page or an app that listens, and comes back as browsers do when it is cut off: after the time it was told.

    Attributes:
        heard_at: when the newest event came, the greeting apart (monotonic seconds).
        connections: how often it was served.
    """

    def __init__(self, port: int, token: str) -> None:
        """Not connected yet."""
        self.heard_at = 0.0
        self.is_open = False
        self.connections = 0
        self.opened = asyncio.Event()
        self._port = port
        self._token = token
        self._retry_seconds = 3.0
        self._transport: asyncio.Transport | None = None
        self._is_leaving = False
        self._tasks = set[asyncio.Task[None]]()

    async def connect(self) -> None:
        """Connect; of a refused connection the next try comes after the same time."""
        while not self._is_leaving:
            try:
                await asyncio.get_running_loop().create_connection(lambda: self, "127.0.0.1", self._port)
            except OSError:
                await asyncio.sleep(self._retry_seconds)
            else:
                return

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream."""
        self._transport = transport  # type: ignore[assignment] # of a TCP connection
        request = f"GET /live HTTP/1.1\r\nhost: 127.0.0.1:{self._port}\r\nauthorization: Bearer {self._token}\r\n\r\n"
        transport.write(request.encode())  # type: ignore[attr-defined] # see above

    def data_received(self, data: bytes) -> None:
        """The head and the greeting, or an event."""
        now = time.monotonic()
        if b"retry: " in data:
            self._retry_seconds = int(data.partition(b"retry: ")[2].partition(b"\n")[0]) / 1000
            self.is_open = True
            self.connections += 1
            self.opened.set()
        elif b"data: changed" in data:
            self.heard_at = now

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - its name is the protocol's
        """Come back later."""
        self.is_open = False
        self.opened.clear()
        if not self._is_leaving:
            task = asyncio.ensure_future(self._come_back())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _come_back(self) -> None:
        await asyncio.sleep(self._retry_seconds)
        await self.connect()

    def leave(self) -> None:
        """Hang up for good."""
        self._is_leaving = True
        for task in self._tasks:
            task.cancel()
        if self._transport is not None:
            self._transport.abort()


@asynccontextmanager
async def _open(readers: list[Reader]) -> AsyncIterator[None]:
    try:
        for start in range(0, len(readers), _OPENED_AT_ONCE):
            some = readers[start : start + _OPENED_AT_ONCE]
            await asyncio.gather(*(reader.connect() for reader in some))
            await asyncio.gather(*(asyncio.wait_for(reader.opened.wait(), 20) for reader in some))
        yield
    finally:
        for reader in readers:
            reader.leave()


async def _people(appliance: Appliance) -> tuple[list[UUID], list[str]]:
    """So many members, each with the token of a session."""
    people, tokens = [], []
    for number in range(PEOPLE):
        await appliance.identity.people.invite(
            OPERATOR, display_name=f"Bench {number}", email=f"bench-{number}@example.org",
            role=Role.MEMBER, now=appliance.clock(),
        )  # fmt: skip
        person = await appliance.identity.people.by_email(f"bench-{number}@example.org")
        session = await appliance.identity.sessions.create_script_session(OPERATOR, person.id, 60, appliance.clock())
        people.append(person.id)
        tokens.append(session.token)
    return people, tokens


async def _all_hear(appliance: Appliance, people: list[UUID], readers: list[Reader]) -> Figures:
    """Make everybody an approver, under their open streams; then every ask concerns all of them."""
    for person in people:
        await appliance.identity.people.grant_role(OPERATOR, person, Role.APPROVER, appliance.clock())
    await asyncio.sleep(3)
    return await _heard(appliance, readers, ASKS // 4)


async def _heard(appliance: Appliance, expected: list[Reader], asks: int = ASKS) -> Figures:
    """Milliseconds from the acknowledgement of an ask's commit to the event at the first reader, and at the last."""
    first, last = [], []
    for _ in range(asks):
        await asyncio.sleep(0.3)  # a window and more: whoever waits for that of the ask before is not measured
        committed = await _ask(appliance)
        while any(reader.heard_at < committed - 0.05 for reader in expected):
            if time.monotonic() > committed + 10:
                raise SystemExit("a stream did not hear of an ask")
            await asyncio.sleep(0.001)
        times = [max(0.0, reader.heard_at - committed) for reader in expected]
        first.append(min(times))
        last.append(max(times))
    return {"streams": len(expected), "first": spread_ms(first), "last": spread_ms(last)}


async def _ask(appliance: Appliance) -> float:
    """Open an ask of the first person from this process, as another replica would; when its commit was acknowledged."""
    asked = new_ask(AskTerms(roles=("approver",)), at=appliance.clock())
    new: NewAsk = msgspec.structs.replace(asked, requester_email="bench-0@example.org")
    async with transaction():
        await appliance.approvals.open(new, _MACHINE)
    return time.monotonic()


async def _storm(installation: Installation, readers: list[Reader]) -> Figures:
    """Restart the server under all its streams; the seconds until each of them is served again."""
    counts = Counter({reader: reader.connections for reader in readers})
    began = time.monotonic()
    os.kill(_server(installation), signal.SIGTERM)
    back: dict[Reader, float] = {}
    while len(back) < len(readers) and time.monotonic() < began + STORM_SECONDS:
        await asyncio.sleep(0.01)
        for reader in readers:
            if reader not in back and reader.connections > counts[reader]:
                back[reader] = time.monotonic() - began
    times: Any = sorted(back.values()) or [STORM_SECONDS]
    return {
        "back": len(back),
        "p50_seconds": round(percentile(times, 50), 1),
        "all_seconds": round(times[-1], 1) if len(back) == len(readers) else STORM_SECONDS,
    }


def _server(installation: Installation) -> int:
    """The process that forks the workers."""
    for entry in Path(f"/proc/{installation.pid}/task").iterdir():
        for child in (entry / "children").read_text().split():
            words = Path(f"/proc/{child}/cmdline").read_text().split("\0")
            if "server" in words:
                return int(child)
    raise SystemExit("the server's process is not found")
