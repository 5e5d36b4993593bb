"""Answers that stay open: server-sent events (WHATWG HTML 9.2) of what concerns whoever is signed in."""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Any, Final, NamedTuple

import structlog
from litestar import Request
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from appliance.bootstrap import Road
from appliance.errors import LeashError
from appliance.identity.streams import Stream
from server.authentication import authentication_of, carried_token, session_cookie_name, signed_in_of

SLOW_SECONDS: Final = 15.0
HEARTBEAT: Final = b": still here\n\n"
_RETRY_MILLISECONDS: Final = (1_000, 5_000)
_HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
]
log = structlog.get_logger("server")


class Frames(NamedTuple):
    """How one kind of stream is written.

    Attributes:
        topics: what it is about.
        greeting: what everybody hears on connecting, having missed who knows what.
        changed: the bytes for topics that changed.
    """

    topics: frozenset[str]
    greeting: Callable[[], bytes]
    changed: Callable[[frozenset[str]], bytes]


class EventStream(ASGIResponse):
    """One open stream of the person who asks; it ends with their session, with the service, or when nobody reads."""

    def __init__(self, request: Request[Any, Any, Any], frames: Frames, *, slow_seconds: float = SLOW_SECONDS) -> None:
        """`request` is one of somebody who is signed in; a reader that takes nothing for `slow_seconds` is let go."""
        super().__init__()
        self._frames = frames
        self._slow_seconds = slow_seconds
        self._subscribed = self._subscription(request.app.state.road, request)

    def _subscription(self, road: Road, request: Request[Any, Any, Any]) -> AbstractContextManager[Stream]:
        """The stream while it is open; whoever watches over sessions closes it."""
        token, _ = carried_token(request, session_cookie_name(authentication_of(request).instance))
        return road.streams.opened(signed_in_of(request), token or "", self._frames.topics)

    async def _goes_on(self) -> bool:
        """Whether the reader may hear more, asked before each piece; a session's stream is closed by its watch."""
        return True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - as ASGI has it
        """Send until one of these ends.

        Raises:
            StreamsTooManyError: the session has as many open as it may; nothing was sent.
        """
        with self._subscribed as stream:
            gone = asyncio.create_task(until_gone(receive), name="stream")
            gone.add_done_callback(lambda _task: stream.close())
            try:
                await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
                await self._write(stream, send)
            except TimeoutError:
                log.info("stream.too_slow")
            finally:
                gone.cancel()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _write(self, stream: Stream, send: Send) -> None:
        body = self._frames.greeting()
        while True:
            async with asyncio.timeout(self._slow_seconds):
                await send({"type": "http.response.body", "body": body, "more_body": True})
            topics = await stream.changed()
            if topics is None or not await self._goes_on():
                return
            body = self._frames.changed(topics) if topics else HEARTBEAT


def retry() -> bytes:
    """When to connect again: by chance, so that everybody does not come back in the same instant."""
    least, most = _RETRY_MILLISECONDS
    return b"retry: %d\n" % (least + secrets.randbelow(most - least))


async def until_gone(receive: Receive) -> None:
    """Wait until the reader has hung up."""
    with suppress(LeashError):  # a body that never ends is no better than a reader that went
        while (await receive())["type"] != "http.disconnect":
            pass
