"""Answers that stay open: what they say, whom they reach across processes, and when they end."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
from litestar import Request

from appliance.agents.records import DeploymentTerms
from appliance.agents.service import create_deployment_token
from appliance.bootstrap import build_appliance
from appliance.clock import utc_now
from appliance.config import Config
from appliance.config.sections import State
from appliance.feed import OPEN_MAX, Feed
from appliance.identity import records as identity
from appliance.identity.records import Role, SignedIn
from appliance.identity.streams import Streams
from server.authentication import Authentication
from server.dashboard.live import _FRAMES
from server.streams import EventStream
from tests.support.machines import bash
from tests.support.people import OPERATOR, Someone, make_owner, make_person
from tests.support.postgres import TestDatabase
from tests.support.processes import free_port
from tests.support.served import environ_of, served

FORCED = "git push --force origin main"


class Listening:
    """An open stream over HTTP, with every line that came and when."""

    def __init__(self, response: httpx.Response) -> None:
        self.headers = response.headers
        self.lines: list[str] = []
        self._task = asyncio.create_task(self._read(response))

    async def _read(self, response: httpx.Response) -> None:
        async for line in response.aiter_lines():
            self.lines.append(line)

    async def until(self, line: str, seconds: float = 5) -> float:
        """Wait for the line; the seconds that it took."""
        began = time.monotonic()
        while line not in self.lines:
            assert time.monotonic() - began < seconds, self.lines
            await asyncio.sleep(0.005)
        return time.monotonic() - began

    async def leave(self) -> None:
        """Read no more."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def end(self, seconds: float = 5) -> None:
        """Wait for the end."""
        await asyncio.wait_for(self._task, seconds)


def _bearer(who: Someone) -> dict[str, str]:
    return {"authorization": f"Bearer {who.token}"}


@asynccontextmanager
async def _listening(client: httpx.AsyncClient, port: str, who: Someone) -> AsyncIterator[Listening]:
    async with client.stream("GET", f"http://127.0.0.1:{port}/live", headers=_bearer(who)) as response:
        assert response.status_code == 200, await response.aread()
        stream = Listening(response)
        try:
            await stream.until("event: policies")
            stream.lines.clear()
            yield stream
        finally:
            await stream.leave()


async def test_two_processes_tell_the_same(committed_database: TestDatabase, tmp_path: Path) -> None:
    """An ask of one process reaches readers at both and nobody else; streams end with their session, which has few."""
    config = Config(state=State(directory=tmp_path / "state"))
    appliance = await build_appliance(config, committed_database.service_url, utc_now)
    owner = await make_owner(appliance.identity, utc_now())
    mia = await make_person(appliance.identity, Role.MEMBER, "mia@example.org", utc_now())
    made = await create_deployment_token(OPERATOR, DeploymentTerms(name="x"), now=utc_now())
    ports = [str(free_port()), str(free_port())]
    async with AsyncExitStack() as stack:
        for port in ports:
            environ = environ_of(committed_database, tmp_path, LEASH_SERVER__PORT=port, LEASH_SERVER__WORKERS="1")
            await (await stack.enter_async_context(served("server", tmp_path, environ))).until("server.listening")
        client = await stack.enter_async_context(httpx.AsyncClient(timeout=20, trust_env=False))
        near, far = [await stack.enter_async_context(_listening(client, port, owner)) for port in ports]
        other = await stack.enter_async_context(_listening(client, ports[1], mia))
        assert near.headers["content-type"].startswith("text/event-stream")
        assert near.headers["x-accel-buffering"] == "no"
        body = {"deploymentToken": made.token, "hostname": "h", "displayName": "x", "email": "ada@example.org"}
        enrolled = (await client.post(f"http://127.0.0.1:{ports[0]}/v1/enroll", json=body)).json()
        for stream in (near, far):
            await stream.until("event: agents")
        path = f"http://127.0.0.1:{ports[0]}/v1/hooks/claude/PreToolUse?user_token={enrolled['token']}"
        held = asyncio.create_task(client.post(path, json=bash(FORCED)))
        assert await far.until("event: approvals") < 2
        await near.until("event: approvals")
        await appliance.identity.sessions.revoke_all(owner.actor, owner.id, utc_now())
        await asyncio.gather(near.end(), far.end())
        assert other.lines == []
        held.cancel()
        await asyncio.gather(held, return_exceptions=True)
        for _ in range(OPEN_MAX - 1):
            await stack.enter_async_context(_listening(client, ports[1], mia))
        refused = await client.get(f"http://127.0.0.1:{ports[1]}/live", headers=_bearer(mia))
        assert (refused.status_code, refused.json()["code"]) == (429, "streams_too_many")


class Reader:
    """The ASGI side of somebody who reads, or does not."""

    def __init__(self, reads: int) -> None:
        """Takes `reads` messages, then nothing more."""
        self.sent: list[Any] = []
        self.hangs_up = asyncio.Event()
        self._reads = reads

    async def send(self, message: Any) -> None:  # noqa: ANN401 - an ASGI message
        if len(self.sent) >= self._reads and message.get("more_body", True):
            await asyncio.Event().wait()
        self.sent.append(message)

    async def receive(self) -> Any:  # noqa: ANN401 - an ASGI message
        await self.hangs_up.wait()
        return {"type": "http.disconnect"}


def _stream(streams: Streams, signed_in: SignedIn) -> EventStream:
    state = {"authentication": Authentication(SimpleNamespace(), "x")}  # type: ignore[arg-type] # only its name is used
    app = SimpleNamespace(state=SimpleNamespace(road=SimpleNamespace(streams=streams)))
    scope: Any = {"type": "http", "headers": [], "state": state, "user": signed_in, "litestar_app": app, "app": app}
    return EventStream(Request(scope), _FRAMES, slow_seconds=0.1)


async def _served(stream: EventStream, reader: Reader) -> None:
    await stream({}, reader.receive, reader.send)  # type: ignore[arg-type] # the scope is not looked at


async def _world(committed_database: TestDatabase, tmp_path: Path) -> tuple[Feed[identity.Reader], Streams, SignedIn]:
    appliance = await build_appliance(Config(state=State(directory=tmp_path)), committed_database.service_url, utc_now)
    owner = await make_owner(appliance.identity, utc_now())
    signed_in = await appliance.identity.sessions.authenticate(owner.token, utc_now())
    assert signed_in
    feed = Feed[identity.Reader](window_seconds=0)
    return feed, Streams(feed, appliance.identity.sessions, utc_now), signed_in


async def test_a_reader_that_takes_nothing_is_let_go(committed_database: TestDatabase, tmp_path: Path) -> None:
    """Nothing piles up for it, and its place is free again."""
    feed, streams, signed_in = await _world(committed_database, tmp_path)
    reader = Reader(reads=2)
    serving = asyncio.create_task(_served(_stream(streams, signed_in), reader))
    await asyncio.sleep(0.02)
    feed.publish("approvals")
    await asyncio.wait_for(serving, 2)
    assert len(feed) == 0


async def test_a_reader_that_hangs_up_is_forgotten(committed_database: TestDatabase, tmp_path: Path) -> None:
    """At once, not with the next heartbeat."""
    feed, streams, signed_in = await _world(committed_database, tmp_path)
    reader = Reader(reads=9)
    serving = asyncio.create_task(_served(_stream(streams, signed_in), reader))
    await asyncio.sleep(0.02)
    assert len(feed) == 1
    reader.hangs_up.set()
    await asyncio.wait_for(serving, 1)
    assert len(feed) == 0


async def test_everybody_comes_back_at_another_moment(committed_database: TestDatabase, tmp_path: Path) -> None:
    """The greeting names every topic, and a time to come back that differs from stream to stream."""
    _, streams, signed_in = await _world(committed_database, tmp_path)
    greetings = set()
    for _ in range(8):
        reader = Reader(reads=9)
        reader.hangs_up.set()
        await asyncio.wait_for(_served(_stream(streams, signed_in), reader), 1)
        greeting = reader.sent[1]["body"].decode()
        assert "event: approvals\ndata: connected\n\n" in greeting
        milliseconds = int(greeting.removeprefix("retry: ").partition("\n")[0])
        assert 1000 <= milliseconds < 5000
        greetings.add(milliseconds)
    assert len(greetings) > 1
