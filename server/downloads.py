"""Sending a release's file to whoever asks, as long as they read."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from typing import Final

import structlog
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from appliance.updates.records import ReleaseFile
from appliance.updates.releases import Releases
from appliance.updates.rules import Part
from server.streams import until_gone

# The kernel takes up to some megabytes before it waits for a reader, and then goes on when a third of that was read.
PIECE_SECONDS: Final = 30.0
log = structlog.get_logger("server")


class Download(ASGIResponse):
    """One part of a file; a reader that takes no piece for `piece_seconds` is let go, and its place is another's."""

    def __init__(
        self,
        releases: Releases,
        found: ReleaseFile,
        part: Part,
        headers: Mapping[str, str],
        *,
        status: int,
        piece_seconds: float = PIECE_SECONDS,
    ) -> None:
        """Nothing is read before it is sent."""
        super().__init__()
        self._releases, self._found, self._part = releases, found, part
        self._start = {
            "type": "http.response.start",
            "status": status,
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }
        self._piece_seconds = piece_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - as ASGI has it
        """Send until the end, or until nobody reads.

        Raises:
            DownloadsBusyError: as many run as may; nothing was sent.
        """
        with self._releases.admitted():
            gone = asyncio.create_task(until_gone(receive), name="download")
            try:
                await self._write(send, gone)
            except TimeoutError:
                log.info("download.too_slow", file=self._found.release.file)
            finally:
                gone.cancel()

    async def _write(self, send: Send, gone: "asyncio.Task[None]") -> None:
        """A part that is cut short has no last piece: so the connection ends, and nobody takes it for the whole."""
        await send(self._start)  # type: ignore[arg-type] # a plain mapping is what ASGI wants
        async with aclosing(self._releases.pieces(self._found.path, self._part)) as pieces:
            async for piece in pieces:
                async with asyncio.timeout(self._piece_seconds):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                if gone.done():
                    return
        await send({"type": "http.response.body", "body": b"", "more_body": False})
