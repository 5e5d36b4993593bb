"""Reads what a client sends, within limits of size and time."""

import asyncio
from typing import Final

from litestar.types import HTTPReceiveMessage, Receive

from server.addresses import Headers, header
from server.http_errors import RequestInvalidError, RequestTooLargeError, RequestTooSlowError

BODY_SECONDS: Final = 30.0


def check_announced(headers: Headers, bytes_max: int) -> None:
    """Refuse by Content-Length before a byte is read.

    Raises:
        RequestTooLargeError: more than `bytes_max` is announced.
        RequestInvalidError: what is announced is no number.
    """
    announced = header(headers, b"content-length")
    if not announced:
        return
    if not (announced.isascii() and announced.isdecimal()):
        raise RequestInvalidError("Content-Length is not a number")
    if len(announced) > len(str(bytes_max)) or int(announced) > bytes_max:
        raise RequestTooLargeError


class LimitedBody:
    """A `receive` that gives out a body of at most `bytes_max`, which must be whole after `seconds`."""

    def __init__(self, receive: Receive, *, bytes_max: int, seconds: float = BODY_SECONDS) -> None:
        """The time begins with the first read."""
        self._receive = receive
        self._left = bytes_max
        self._seconds = seconds
        self._until: float | None = None
        self._is_whole = False

    async def __call__(self) -> HTTPReceiveMessage:
        """The next piece; after the body, whatever comes, without limits.

        Raises:
            RequestTooLargeError, RequestTooSlowError: the body is beyond its limits.
        """
        if self._is_whole:
            return await self._receive()  # type: ignore[return-value] # an HTTP scope
        if self._until is None:
            self._until = asyncio.get_running_loop().time() + self._seconds
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            raise RequestTooSlowError from None
        if message["type"] == "http.request":
            self._left -= len(message["body"])
            self._is_whole = not message["more_body"]
            if self._left < 0:
                raise RequestTooLargeError
        return message  # type: ignore[return-value] # see above
