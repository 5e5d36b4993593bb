"""A wake makes the action run soon; wakes while it runs make it run once more."""

import asyncio

from appliance.wakening import Wakening


class Action:
    """Counts its runs, and can be made to wait."""

    def __init__(self) -> None:
        self.runs = 0
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def __call__(self) -> None:
        self.runs += 1
        await self.may_end.wait()


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_wake_runs_the_action_once() -> None:
    """Nothing runs without one; one before the start counts."""
    action = Action()
    wakening = Wakening(action)
    await wakening.start()
    await settled()
    assert action.runs == 0
    wakening.wake("7")
    await settled()
    assert action.runs == 1
    await wakening.stop()
    wakening.wake("8")
    await settled()
    assert action.runs == 1
    early = Wakening(action)
    early.wake("")
    await early.start()
    await settled()
    assert action.runs == 2
    await early.stop()


async def test_wakes_while_it_runs_make_it_run_once_more() -> None:
    """Never two at a time, and never missing what was committed meanwhile."""
    action = Action()
    action.may_end.clear()
    wakening = Wakening(action)
    await wakening.start()
    for _ in range(10):
        wakening.wake("")
        await settled()
    assert action.runs == 1
    action.may_end.set()
    await settled()
    assert action.runs == 2
    await wakening.stop()


async def test_a_stop_ends_an_action_under_way() -> None:
    """And one that was never started is no error."""
    action = Action()
    action.may_end.clear()
    wakening = Wakening(action)
    await wakening.start()
    wakening.wake("")
    await settled()
    await asyncio.wait_for(wakening.stop(), 1)
    await Wakening(action).stop()
