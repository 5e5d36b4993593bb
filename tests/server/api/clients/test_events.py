"""The live stream of apps."""

import asyncio
from typing import Any

import httpx
import msgspec

from tests.server.api.clients.conftest import asked
from tests.support.desktop import Desktop
from tests.support.phone import Phone
from tests.support.web_world import World
from tests.support.wire import formed_json, golden


class Opened:
    """A stream of the application in this loop, read in pieces; ASGI, because httpx would wait for its end."""

    def __init__(self, world: World, token: str) -> None:
        """Not open yet."""
        app: Any = world.client.app
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "https",
            "path": "/v1/client/events", "raw_path": b"/v1/client/events", "query_string": b"", "root_path": "",
            "headers": [(b"host", b"leash.example.org"), (b"authorization", f"Bearer {token}".encode())],
            "client": ("192.0.2.7", 1), "server": ("leash.example.org", 443), "state": {}, "extensions": {},
        }  # fmt: skip
        self._gone = asyncio.Event()
        self.pieces = asyncio.Queue[bytes]()
        self.headers: dict[bytes, bytes] = {}
        self.status = 0
        self.task = asyncio.create_task(app(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], dict(message["headers"])
        elif message["body"]:
            await self.pieces.put(message["body"])

    async def next(self, seconds: float = 3) -> bytes:
        return await asyncio.wait_for(self.pieces.get(), seconds)

    async def close(self) -> None:
        self._gone.set()
        await asyncio.wait_for(self.task, 3)


def _sync(piece: bytes) -> dict[str, Any]:
    """The content of one event, whose form the desktop depends on."""
    head, _, rest = piece.partition(b"\n")
    assert (head, piece[-2:], piece.count(b"\n\n"), b"\r" in piece) == (b"event: sync", b"\n\n", 1, False)
    told: dict[str, Any] = msgspec.json.decode(rest.removeprefix(b"data: "))
    assert told["schemaVersion"] == "2026-07-27.client-sync.v1"
    assert set(told) == {"schemaVersion", "id", "kind", "occurredAt"}
    return told


async def test_a_greeting_and_one_event_per_change(world: World, phone: Phone) -> None:
    """The greeting makes the app catch up; an ask that opens is told at once, its end later."""
    stream = Opened(world, phone.token)
    assert formed_json(_sync(await stream.next())) == golden("sync_event")
    assert stream.headers[b"content-type"].startswith(b"text/event-stream")
    assert b"content-encoding" not in stream.headers
    async with asked(world):
        assert _sync(await stream.next())["kind"] == "interaction.created"
    assert _sync(await stream.next())["kind"] == "interaction.resolved"
    await stream.close()


async def test_a_machine_hears_of_its_own_asks(world: World, desktop: Desktop) -> None:
    """And of no other machine's, until its token is dead: then the stream ends."""
    other = Desktop(world.client, "laptop-9")
    machine = (await other.enroll(await world.app_session(world.member)))["computer"]["id"]
    mine, theirs = Opened(world, desktop.token), Opened(world, other.token)
    for stream in (mine, theirs):
        _sync(await stream.next())
    async with asked(world):
        _sync(await mine.next())
    assert theirs.pieces.empty()
    revoked = await world.as_script(world.owner, "POST", f"/v1/machines/{machine}/revoke")
    assert revoked.status_code == 204
    await asyncio.wait_for(theirs.task, 3)
    await mine.close()


async def test_a_session_that_ends_takes_its_stream_along(world: World, phone: Phone) -> None:
    """The app connects again after two seconds, and learns from its state that it is signed out."""
    made = await world.appliance.identity.sessions.create_script_session(
        world.owner.actor, world.owner.id, 60, world.appliance.clock()
    )
    stream = Opened(world, made.token)
    _sync(await stream.next())
    path = f"/v1/account/sessions/{made.session_id}"
    assert (await world.as_script(world.owner, "DELETE", path)).status_code == 204
    await asyncio.wait_for(stream.task, 5)


async def test_nobody_has_no_stream(world: World) -> None:
    """401, also for a token that is dead."""
    for token in ("", "ols_" + "A" * 43, "ol_" + "A" * 43):
        reply: httpx.Response = await world.client.get(
            "/v1/client/events", headers={"authorization": f"Bearer {token}"}
        )
        assert reply.status_code == 401
