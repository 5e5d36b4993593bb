"""Held calls are woken by what happens to their ask, and by nothing else."""

import asyncio

import pytest

from appliance.approvals.waiters import ShuttingDownError, Waiters
from appliance.database.identifiers import uuid7

ONE, OTHER = uuid7(), uuid7()


async def test_a_call_is_woken_when_its_ask_changes() -> None:
    """Several calls of one ask all are; those of another are not."""
    waiters = Waiters()
    with waiters.join(ONE) as first, waiters.join(ONE) as second, waiters.join(OTHER) as third:
        assert waiters.count == 3
        waiting = [asyncio.create_task(waiters.wait(event, 5)) for event in (first, second)]
        other = asyncio.create_task(waiters.wait(third, 0.05))
        await asyncio.sleep(0)
        waiters.wake(str(ONE))
        assert await asyncio.gather(*waiting) == [True, True]
        assert await other is False
    assert waiters.count == 0


async def test_what_changed_before_the_wait_is_not_missed() -> None:
    """Joined first, then read, then waited: a change in between returns at once, and only once."""
    waiters = Waiters()
    with waiters.join(ONE) as event:
        waiters.wake(str(ONE))
        waiters.wake(str(ONE))
        assert await waiters.wait(event, 0) is True
        assert await waiters.wait(event, 0.01) is False


async def test_after_a_gap_everybody_reads_again() -> None:
    """The listener was away: an empty payload wakes all."""
    waiters = Waiters()
    with waiters.join(ONE) as first, waiters.join(OTHER) as second:
        waiters.wake("")
        assert await waiters.wait(first, 5)
        assert await waiters.wait(second, 5)


async def test_a_stop_answers_held_calls_and_those_that_come_after() -> None:
    """So that no call is cut off in the middle."""
    waiters = Waiters()
    with waiters.join(ONE) as event:
        waiting = asyncio.create_task(waiters.wait(event, 5))
        await asyncio.sleep(0)
        waiters.close()
        with pytest.raises(ShuttingDownError):
            await waiting
        with pytest.raises(ShuttingDownError):
            await waiters.wait(event, 5)


async def test_a_wake_for_nobody_does_nothing() -> None:
    """Asks of other processes, and waits that are over already."""
    waiters = Waiters()
    waiters.wake(str(ONE))
    with waiters.join(ONE) as event:
        assert await waiters.wait(event, -1) is False
