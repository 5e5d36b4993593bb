"""The body of a hook call, read within limits, and read to its end whatever happens.

An answer that leaves before the body has arrived can be lost: the connection is then reset under a client that still
sends, and curl reports a failure, which agents take for permission.
"""

import asyncio
from typing import Final

from litestar.types import Receive

from appliance.agents.errors import BodyTooLargeError
from server.hooks.deadlines import Deadline
from server.hooks.errors import BodySlowError, CallerGoneError

_REQUEST: Final = "http.request"


class Incoming:
    """The body of one call."""

    def __init__(self, receive: Receive, announced: int | None, *, bytes_max: int, seconds: float) -> None:
        """Read from `receive`.

        Args:
            receive: as of ASGI.
            announced: length according to the headers: a body of that length needs no look for its end.
            bytes_max: longest body that is kept.
            seconds: the time that a body gets which does not come in one piece.
        """
        self._receive = receive
        self._announced = announced
        self._bytes_max = bytes_max
        self._seconds = seconds
        self.is_over = False
        self.began_at = asyncio.get_running_loop().time()

    async def whole(self, limit: Deadline, seconds: float) -> bytes:
        """The body; a longer transfer stops the clock of `limit`, which then starts again with `seconds`.

        Raises:
            BodyTooLargeError, BodySlowError: beyond a limit; what was too large has been read and thrown away.
            CallerGoneError: the caller hung up.
        """
        piece, is_last = await self._next()
        if not is_last:
            limit.reschedule(None)
            piece = await self._rest([piece], len(piece))
            limit.reschedule(asyncio.get_running_loop().time() + seconds)
        if len(piece) > self._bytes_max:
            raise BodyTooLargeError(f"The hook body has more than {self._bytes_max} bytes")
        return piece

    async def drain(self) -> None:
        """Read and throw away what has not been read yet."""
        try:
            await self._rest([], self._bytes_max + 1)
        except (BodySlowError, BodyTooLargeError, CallerGoneError):
            return  # whoever still listens gets the answer now

    async def until_gone(self) -> None:
        """Return when the caller has hung up; for after the body."""
        while (await self._receive())["type"] == _REQUEST:
            pass

    async def _rest(self, pieces: list[bytes], size: int) -> bytes:
        is_last = False
        try:
            async with asyncio.timeout(self._seconds):
                while not is_last:
                    piece, is_last = await self._next()
                    size += len(piece)
                    if size > self._bytes_max:
                        pieces.clear()
                    else:
                        pieces.append(piece)
        except TimeoutError:
            self.is_over = True
            raise BodySlowError from None
        if size > self._bytes_max:
            raise BodyTooLargeError(f"The hook body has more than {self._bytes_max} bytes")
        return b"".join(pieces)

    async def _next(self) -> tuple[bytes, bool]:
        message = await self._receive()
        if message["type"] != _REQUEST:
            self.is_over = True
            raise CallerGoneError
        piece: bytes = message["body"]
        self.is_over = not message["more_body"] or len(piece) == self._announced
        return piece, self.is_over
