"""One timer for all calls keeps what a timer for each would."""

import asyncio
import time
from math import inf
from random import Random

import pytest

from server.hooks.deadlines import Deadlines


async def test_a_block_ends_when_its_time_is_over() -> None:
    """With TimeoutError, and the task goes on as if nothing had been cancelled."""
    deadlines = Deadlines()
    began = time.monotonic()
    with pytest.raises(TimeoutError), deadlines.limit(0.05):
        await asyncio.sleep(5)
    assert 0.05 <= time.monotonic() - began < 1
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_block_that_is_left_in_time_is_left_alone() -> None:
    """Nothing is cancelled later, however it was left."""
    deadlines = Deadlines()
    with deadlines.limit(0.03):
        await asyncio.sleep(0)
    with pytest.raises(ZeroDivisionError), deadlines.limit(0.03):
        raise ZeroDivisionError
    await asyncio.sleep(0.1)
    with pytest.raises(TimeoutError), deadlines.limit(0.03):  # the timer has rung in vain, and rings again
        await asyncio.sleep(5)


async def test_every_block_has_its_own_time() -> None:
    """Whatever the order in which they begin and end."""
    deadlines = Deadlines()
    chance = Random(1)  # noqa: S311 - an order, no secret

    async def measured(seconds: float, *, is_quick: bool) -> float:
        await asyncio.sleep(chance.random() / 20)
        began = time.monotonic()
        try:
            with deadlines.limit(seconds):
                await asyncio.sleep(0 if is_quick else 5)
        except TimeoutError:
            return time.monotonic() - began - seconds
        return 0 if is_quick else inf

    late = await asyncio.gather(*(measured(chance.random() / 2, is_quick=number % 3 == 0) for number in range(300)))
    assert min(late) >= 0
    assert max(late) < 0.4


@pytest.mark.parametrize("first", [None, 30.0], ids=["none", "a late one"])
async def test_the_end_can_be_moved(first: float | None) -> None:
    """Away, and back to a time before all others."""
    deadlines = Deadlines()
    loop = asyncio.get_running_loop()

    async def moves() -> None:
        with deadlines.limit(0.03) as limit:
            limit.reschedule(None if first is None else loop.time() + first)
            await asyncio.sleep(0.1)
            limit.reschedule(loop.time() - 1)
            await asyncio.sleep(5)

    with pytest.raises(TimeoutError):
        await moves()


async def test_a_cancellation_by_somebody_else_stays_one() -> None:
    """Also when the time is over at the same moment."""
    deadlines = Deadlines()

    async def waits(seconds: float) -> None:
        with deadlines.limit(seconds):
            await asyncio.sleep(5)

    for seconds, pause in ((5.0, 0.0), (0.02, 0.05)):
        task = asyncio.create_task(waits(seconds))
        await asyncio.sleep(0)
        time.sleep(pause)  # noqa: ASYNC251 - so that both happen in one turn of the loop
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_what_has_ended_cannot_be_moved_any_more() -> None:
    """A call that is over is not given time by what it still does."""
    deadlines = Deadlines()

    async def goes_on() -> None:
        with deadlines.limit(0.02) as limit:
            try:
                await asyncio.sleep(5)
            finally:
                limit.reschedule(asyncio.get_running_loop().time())
                assert limit.when == inf

    with pytest.raises(TimeoutError):
        await goes_on()


async def test_the_inner_of_two_blocks_ends_alone() -> None:
    """The outer one goes on."""
    deadlines = Deadlines()
    with deadlines.limit(5):
        with pytest.raises(TimeoutError), deadlines.limit(0.02):
            await asyncio.sleep(5)
        await asyncio.sleep(0)


async def test_outside_of_a_task_there_is_no_deadline() -> None:
    """Nothing could be ended there, and saying so is better than waiting for ever."""
    told: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()

    def enter() -> None:
        try:
            with Deadlines().limit(1):
                pass
        except RuntimeError as problem:
            told.set_result(problem)

    asyncio.get_running_loop().call_soon(enter)
    assert "task" in str(await told)
