"""Rate, time and size of hook calls, and calls that nobody can decide: each of them a native deny."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from appliance.config import Config
from appliance.config.sections import Hooks as HookSettings
from server.hooks.handler import Hooks
from tests.support.machines import bash
from tests.support.postgres import TestPostgres
from tests.support.web_world import reason_of, web_world

BODY = msgspec.json.encode(bash("git status"))


async def test_a_machine_that_sends_too_much_is_denied(
    postgres: TestPostgres, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Above the burst its calls are denied until time has passed; the denies are counted."""
    settings = HookSettings(requests_per_second=0.1, burst=3)
    async with web_world(postgres, tmp_path_factory.mktemp("state"), hooks=settings) as world:
        for _ in range(3):
            assert "allow" in (await world.hook(bash("git status"))).text
        assert "too many calls" in reason_of(await world.hook(bash("git status")))


async def test_a_decision_that_takes_too_long_is_denied(
    postgres: TestPostgres, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time limit is one of the decision; a call that waits for people is not cut by it."""
    settings = HookSettings(decision_timeout_seconds=0.3)
    async with web_world(postgres, tmp_path_factory.mktemp("state"), hooks=settings) as world:
        held = asyncio.create_task(world.hook(bash("git push --force origin main")))
        await asyncio.sleep(0.9)
        assert not held.done()
        world.road.release_held_calls()
        assert "Repeat the same call" in reason_of(await held)

        async def sleep(*_: object, **__: object) -> None:
            await asyncio.sleep(30)

        monkeypatch.setattr(world.road.decisions, "decide", sleep)
        started = time.monotonic()
        assert "took too long" in reason_of(await world.hook(bash("git status")))
        assert time.monotonic() - started < 2


async def test_a_hold_begins_with_the_call_and_not_with_its_last_byte(
    postgres: TestPostgres, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The agent counts from there: what it took to send is part of the time after which it goes on by itself."""
    settings = HookSettings(hold_seconds=2, decision_timeout_seconds=1)
    body = msgspec.json.encode(bash("git push --force origin main"))
    async with web_world(postgres, tmp_path_factory.mktemp("state"), hooks=settings) as world:
        hooks = Hooks(world.appliance.config)
        hooks.open(world.road)
        pieces = [
            (0, piece(body[:9], more=True)),
            (1.5, piece(body[9:], more=False)),
            (30, {"type": "http.disconnect"}),
        ]
        wire, started = Wire(iter(pieces)), time.monotonic()
        await call(hooks, wire, token=world.machine_token)
        assert "Repeat the same call" in wire.reason
        assert 1.9 < time.monotonic() - started < 2.8


class Wire:
    """ASGI's two sides of one call: pieces of a body with pauses before them, and what was answered."""

    def __init__(self, pieces: Iterator[tuple[float, dict[str, Any]]]) -> None:
        self._pieces = pieces
        self.sent: list[dict[str, Any]] = []
        self.read = 0

    async def receive(self) -> dict[str, Any]:
        pause, message = next(self._pieces)
        await asyncio.sleep(pause)
        self.read += len(message.get("body", b""))
        return message

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)

    @property
    def reason(self) -> str:
        assert self.sent[0]["status"] == 200
        return str(msgspec.json.decode(self.sent[1]["body"])["hookSpecificOutput"]["permissionDecisionReason"])


def handler(settings: HookSettings, *, body_seconds: float = 5.0) -> Hooks:
    """A handler without a road: whatever gets so far is denied because nobody decides."""
    return Hooks(Config(hooks=settings), body_seconds=body_seconds)


async def call(hooks: Hooks, wire: Wire, token: str = "ol_x", **headers: bytes) -> None:
    """One call over a wire."""
    scope: Any = {
        "query_string": f"user_token={token}".encode(),
        "headers": [(name.replace("_", "-").encode(), value) for name, value in headers.items()],
    }
    await hooks.answer("claude", "PreToolUse", scope, wire.receive, wire.send)  # type: ignore[arg-type]


def piece(body: bytes, *, more: bool) -> dict[str, Any]:
    """One ASGI message."""
    return {"type": "http.request", "body": body, "more_body": more}


async def test_nothing_is_decided_before_the_road_is_open_and_the_body_is_read_to_its_end() -> None:
    """A deny that overtakes the body would be lost in a reset connection."""
    wire = Wire(iter([(0, piece(b"x" * 1000, more=True)) for _ in range(50)] + [(0, piece(b"", more=False))]))
    await call(handler(HookSettings()), wire)
    assert "could not be made" in wire.reason
    assert wire.read == 50_000


async def test_a_refused_call_of_any_size_is_read_and_thrown_away() -> None:
    """Far beyond the limit, nothing of it is kept, and the answer comes after the last byte."""
    settings = HookSettings(request_bytes_max=1024)
    wire = Wire(iter([(0, piece(b"x" * 65_536, more=True)) for _ in range(100)] + [(0, piece(b"", more=False))]))
    await call(handler(settings), wire)
    assert wire.reason
    assert wire.read == 100 * 65_536


async def test_a_body_that_trickles_is_not_waited_for() -> None:
    """After the time for a body the deny leaves, whatever is still to come."""
    endless = iter(lambda: (0.05, piece(b" ", more=True)), None)
    wire = Wire(endless)
    started = time.monotonic()
    await call(handler(HookSettings(), body_seconds=0.3), wire)
    assert wire.reason
    assert 0.2 < time.monotonic() - started < 2


async def test_a_caller_that_hangs_up_is_let_go() -> None:
    """No exception, and no wait."""
    wire = Wire(iter([(0, piece(b"{", more=True)), (0, {"type": "http.disconnect"})]))
    await call(handler(HookSettings()), wire)
    assert wire.reason


async def test_a_body_of_its_announced_length_needs_no_look_for_its_end() -> None:
    """The one piece that Content-Length announces is the body; nothing more is read."""
    wire = Wire(iter([(0, piece(BODY, more=True))]))
    await call(handler(HookSettings()), wire, content_length=str(len(BODY)).encode())
    assert wire.reason
