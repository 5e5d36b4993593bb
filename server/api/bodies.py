"""Strict JSON bodies: what two readers could understand differently is refused before it is decoded."""

from typing import Any, Final

from appliance.agents import body
from appliance.agents.errors import BodyRefusedError, BodyTooLargeError
from server.dashboard.dependencies import AnyRequest, appliance_of
from server.http_errors import RequestInvalidError, RequestTooLargeError

DEPTH_MAX: Final = 16
MEMBERS_MAX: Final = 10_000
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


async def strict_json(request: AnyRequest) -> None:
    """Look at the body of every request to the API that may have one, after the guards.

    Raises:
        RequestInvalidError, RequestTooLargeError: not one JSON object, repeated keys, or beyond the limits.
    """
    if request.method in _WITH_BODY:
        parsed(await request.body())


async def relayed_json(request: AnyRequest) -> None:
    """The same for a body that tells of a hook call: with the limits that such calls have.

    Raises:
        RequestInvalidError, RequestTooLargeError: as for `strict_json`.
    """
    hooks = appliance_of(request).config.hooks
    parsed(await request.body(), members_max=hooks.members_max, depth_max=hooks.depth_max)


def parsed(raw: bytes, *, members_max: int = MEMBERS_MAX, depth_max: int = DEPTH_MAX) -> dict[str, Any]:
    """The JSON object of a body; `{}` if it is empty.

    Raises:
        RequestInvalidError, RequestTooLargeError: as for `strict_json`.
    """
    try:
        return body.parse(raw, bytes_max=len(raw), depth_max=depth_max, members_max=members_max)
    except BodyTooLargeError as problem:
        raise RequestTooLargeError(_ours(problem)) from problem
    except BodyRefusedError as problem:
        raise RequestInvalidError(_ours(problem)) from problem


def _ours(problem: BodyRefusedError) -> str:
    return problem.detail.replace("The hook body", "The body")
