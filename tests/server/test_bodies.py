"""Bodies of ordinary requests: limited in size and time, and whatever comes after them is not."""

import asyncio
from typing import Any

import pytest

from server.bodies import LimitedBody, check_announced
from server.http_errors import RequestInvalidError, RequestTooLargeError, RequestTooSlowError


def receiving(*messages: tuple[float, dict[str, Any]]) -> Any:  # noqa: ANN401 - ASGI's receive
    """A `receive` that gives out these messages, after a pause each."""
    left = iter(messages)

    async def receive() -> dict[str, Any]:
        pause, message = next(left)
        await asyncio.sleep(pause)
        return message

    return receive


def piece(size: int, *, more: bool) -> dict[str, Any]:
    """A piece of a body."""
    return {"type": "http.request", "body": b"x" * size, "more_body": more}


async def test_a_body_within_its_limits_passes() -> None:
    """Up to the last byte; and an open stream may then wait for the end of its connection as long as it likes."""
    body = LimitedBody(
        receiving((0, piece(5, more=True)), (0, piece(5, more=False)), (0.3, {"type": "http.disconnect"})),
        bytes_max=10,
        seconds=0.2,
    )
    assert [len((await body())["body"]) for _ in range(2)] == [5, 5]  # type: ignore[typeddict-item]
    assert (await body())["type"] == "http.disconnect"


async def test_one_byte_too_many_is_refused() -> None:
    """Whatever was announced."""
    body = LimitedBody(receiving((0, piece(5, more=True)), (0, piece(6, more=False))), bytes_max=10, seconds=1)
    await body()
    with pytest.raises(RequestTooLargeError):
        await body()


async def test_a_body_that_trickles_is_refused() -> None:
    """The time is that of the whole body, not of a piece."""
    body = LimitedBody(receiving(*[(0.05, piece(1, more=True))] * 100), bytes_max=1000, seconds=0.2)
    reading = asyncio.create_task(_read_all(body, 100))
    with pytest.raises(RequestTooSlowError):
        await reading


async def _read_all(body: LimitedBody, pieces: int) -> None:
    for _ in range(pieces):
        await body()


@pytest.mark.parametrize("announced", [b"-1", b"1e3", b" 7", b"+7"])
def test_a_length_that_is_no_number_is_refused(announced: bytes) -> None:
    """Two readers could read it differently."""
    with pytest.raises(RequestInvalidError):
        check_announced([(b"content-length", announced)], 100)


@pytest.mark.parametrize("announced", [b"101", b"9" * 5000])
def test_a_length_beyond_the_limit_is_refused(announced: bytes) -> None:
    """Before anything is read, and without counting with numbers of any size."""
    with pytest.raises(RequestTooLargeError):
        check_announced([(b"content-length", announced)], 100)
