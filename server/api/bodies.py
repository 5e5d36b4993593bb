"""Strict JSON bodies: what two readers could understand differently is refused before it is decoded."""

from typing import Final

from litestar import Request
from litestar.handlers import BaseRouteHandler

from appliance.agents import body
from appliance.agents.errors import BodyRefusedError, BodyTooLargeError
from server.http_errors import RequestInvalidError, RequestTooLargeError
from server.requests import AnyConnection

DEPTH_MAX: Final = 16
MEMBERS_MAX: Final = 10_000
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


async def strict_json(connection: AnyConnection, _handler: BaseRouteHandler) -> None:
    """A guard for every route of the API that takes a body.

    Raises:
        RequestInvalidError, RequestTooLargeError: not one JSON object, repeated keys, or beyond the limits.
    """
    if connection.scope["method"] not in _WITH_BODY or not isinstance(connection, Request):
        return
    raw = await connection.body()
    try:
        body.parse(raw, bytes_max=len(raw), depth_max=DEPTH_MAX, members_max=MEMBERS_MAX)
    except BodyTooLargeError as problem:
        raise RequestTooLargeError(_ours(problem)) from problem
    except BodyRefusedError as problem:
        raise RequestInvalidError(_ours(problem)) from problem


def _ours(problem: BodyRefusedError) -> str:
    return problem.detail.replace("The hook body", "The body")
