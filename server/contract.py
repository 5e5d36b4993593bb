"""Versions of the functions that published clients name in their headers."""

import re
from collections.abc import Awaitable, Callable
from typing import Final

from litestar.handlers import BaseRouteHandler

from server.addresses import Headers
from server.headers import RawHeaders
from server.http_errors import ContractVersionError
from server.requests import AnyConnection

FUNCTION_HEADER: Final = b"x-openleash-api-function"
VERSION_HEADER: Final = b"x-openleash-api-version"
_ECHO_BYTES_MAX: Final = 100
_DATE: Final = r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_VERSION: Final = re.compile(rf"({_DATE})\.(.+)")
Guard = Callable[[AnyConnection, BaseRouteHandler], Awaitable[None]]


def is_spoken(version: str, expected: str) -> bool:
    """Whether a release that speaks `expected` speaks `version`: none, the same, or an older date of the same name."""
    if version in {"", expected}:
        return True
    ours, theirs = _VERSION.fullmatch(expected), _VERSION.fullmatch(version)
    return bool(ours and theirs and theirs[2] == ours[2] and theirs[1] <= ours[1])


def speaks(function: str, expected: str) -> Guard:
    """A guard that refuses clients of another version, before anybody is authenticated."""

    async def guard(connection: AnyConnection, _handler: BaseRouteHandler) -> None:
        received = connection.headers.get(VERSION_HEADER.decode(), "")
        if not is_spoken(received, expected):
            raise ContractVersionError(function, expected, received[:_ECHO_BYTES_MAX])

    return guard


def echoed(headers: Headers) -> RawHeaders:
    """The version headers of a request, for its answer."""
    return [
        (name, value)
        for name, value in headers
        if name in {FUNCTION_HEADER, VERSION_HEADER} and len(value) <= _ECHO_BYTES_MAX
    ]
