"""The time that a hook call has: as `asyncio.timeout`, with one timer of the loop for all calls.

A timer for each call costs more than the rest of its way through the handler, and nearly none ever rings.
"""

import asyncio
from math import inf
from types import TracebackType
from typing import Self


class Deadlines:
    """Watches over the calls that run; belongs to one loop."""

    def __init__(self) -> None:
        """Nothing runs."""
        self._running: set[Deadline] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = inf

    def limit(self, seconds: float) -> "Deadline":
        """What ends the block that it is entered for with TimeoutError, unless that is left within `seconds`."""
        return Deadline(self, seconds)

    def add(self, deadline: "Deadline") -> None:
        """Watch it until it is removed."""
        self._running.add(deadline)
        self.watch(deadline.when)

    def remove(self, deadline: "Deadline") -> None:
        """Its block was left; the timer may ring in vain."""
        self._running.discard(deadline)

    def watch(self, when: float) -> None:
        """Let the timer ring at `when`, by the loop's time, if not before."""
        if when >= self._rings_at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._rings_at = when
        self._timer = asyncio.get_running_loop().call_at(when, self._ring)

    def _ring(self) -> None:
        """End what is over, and wait for what is over next."""
        self._timer, self._rings_at = None, inf
        now = asyncio.get_running_loop().time()
        for deadline in tuple(self._running):
            if deadline.when <= now:
                deadline.expire()
        self.watch(min((deadline.when for deadline in self._running), default=inf))


class Deadline:
    """One block's end: a context manager with the semantics of `asyncio.Timeout`.

    Attributes:
        when: by the loop's time; infinite if there is none.
    """

    __slots__ = ("_cancelling", "_deadlines", "_is_expired", "_seconds", "_task", "when")

    def __init__(self, deadlines: Deadlines, seconds: float) -> None:
        """`seconds` from when it is entered."""
        self._deadlines = deadlines
        self._seconds = seconds
        self._is_expired = False
        self._cancelling = 0
        self._task: asyncio.Task[object] | None = None
        self.when = inf

    def __enter__(self) -> Self:
        """Begin to count.

        Raises:
            RuntimeError: outside of a task, which could not be ended.
        """
        task = self._task = asyncio.current_task()
        if task is None:
            raise RuntimeError("A deadline is for a task")
        self._cancelling = task.cancelling()
        self.when = asyncio.get_running_loop().time() + self._seconds
        self._deadlines.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop counting.

        Raises:
            TimeoutError: the time was over, and nobody else has cancelled the task.
        """
        self._deadlines.remove(self)
        task, self._task = self._task, None
        if self._is_expired and task is not None:
            is_ours = task.uncancel() <= self._cancelling
            if is_ours and kind is not None and issubclass(kind, asyncio.CancelledError):
                raise TimeoutError from raised

    def reschedule(self, when: float | None) -> None:
        """End at another time, by the loop's time; None is never. What has ended stays so."""
        if not self._is_expired:
            self.when = inf if when is None else when
            self._deadlines.watch(self.when)

    def expire(self) -> None:
        """Cancel the task, once."""
        self.when = inf
        self._is_expired = True
        if self._task is not None:
            self._task.cancel()
