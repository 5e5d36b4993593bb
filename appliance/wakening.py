"""Runs a coroutine in the background whenever something wakes it; wakes while it runs make it run once more."""

import asyncio
from collections.abc import Awaitable, Callable


class Wakening:
    """Turns plain notification handlers into one asynchronous action at a time."""

    def __init__(self, action: Callable[[], Awaitable[None]]) -> None:
        """`action` must not raise."""
        self._action = action
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def wake(self, _payload: str) -> None:
        """Let the action run soon."""
        self._woken.set()

    async def start(self) -> None:
        """Begin to wait for wakes."""
        self._task = asyncio.create_task(self._run(), name="wakening")

    async def stop(self) -> None:
        """End; an action under way is cancelled."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            await self._action()
