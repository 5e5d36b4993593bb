"""Blocking conversations beside the event loop: so many at once, none of them longer than it may, all can be cut."""

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final, TypeVar

from appliance.adapters.ldap.threads import Threads
from appliance.adapters.ldap.wire import Wire
from appliance.identity.directories.errors import DirectoryUnavailableError

_T = TypeVar("_T")
_TURN_SECONDS: Final = 1.0
# Who talks gives up a moment before whoever waits does, so that it can still say which host it was.
_LEAD: Final = 0.95


class Talk:
    """One conversation: its time, and the wire that it uses at the moment."""

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds * _LEAD
        self._wire: Wire | None = None
        self._is_over = False
        self._lock = threading.Lock()

    @property
    def has_time(self) -> bool:
        """Whether anything can still be begun."""
        return not self._is_over and time.monotonic() < self._deadline

    def wire(self, receive_seconds: float) -> Wire:
        """A new wire instead of the one before.

        Raises:
            TimeoutError: the conversation was ended from outside.
        """
        wire = Wire(receive_seconds=receive_seconds, deadline=self._deadline)
        self.hang_up()
        with self._lock:
            if self._is_over:
                raise TimeoutError
            self._wire = wire
        return wire

    def hang_up(self) -> None:
        """Close the wire; for the thread that talks."""
        with self._lock:
            wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()

    def end(self) -> None:
        """From outside: whatever the thread waits for fails now, and it begins nothing new."""
        with self._lock:
            self._is_over = True
            if self._wire is not None:
                self._wire.cut()


class Talks:
    """A bounded number of conversations at once; one that hangs holds up neither loop nor shutdown."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._threads = Threads()
        self._free = asyncio.Semaphore(most)
        self._open: set[Talk] = set()

    async def run(self, work: Callable[[Talk], _T], seconds: float) -> _T:
        """Let a thread do the work, and wait no longer than the seconds.

        Raises:
            DirectoryUnavailableError: it took longer, or all threads are taken.
        """
        try:
            async with asyncio.timeout(min(_TURN_SECONDS, seconds)):
                await self._free.acquire()
        except TimeoutError:
            raise DirectoryUnavailableError(
                f"{self._most} conversations with the directory are waiting already"
            ) from None
        talk, done = Talk(seconds), asyncio.get_running_loop().create_future()
        self._open.add(talk)
        try:
            self._threads.give(partial(self._talk, work, talk, done))
        except RuntimeError as problem:  # the system gives no more threads
            self._finish(talk, done, None, DirectoryUnavailableError(str(problem)))
        return await self._result(talk, done, seconds)

    async def _result(self, talk: Talk, done: asyncio.Future[_T], seconds: float) -> _T:
        try:
            async with asyncio.timeout(seconds):
                return await done
        except TimeoutError:
            raise DirectoryUnavailableError(f"The directory took longer than {seconds:g} s") from None
        finally:
            talk.end()

    def _talk(self, work: Callable[[Talk], _T], talk: Talk, done: asyncio.Future[_T]) -> Callable[[], None]:
        """In the thread; how to tell the loop what came of it."""
        result: _T | None = None
        problem: BaseException | None = None
        try:
            result = work(talk)
        except BaseException as this:  # noqa: BLE001 - whoever waits gets it
            problem = this
        talk.hang_up()
        return partial(self._tell, talk, done, result, problem)

    def _tell(self, talk: Talk, done: asyncio.Future[_T], result: _T | None, problem: BaseException | None) -> None:
        """In the thread."""
        with suppress(RuntimeError):  # the loop has been closed: nobody waits any more
            done.get_loop().call_soon_threadsafe(self._finish, talk, done, result, problem)

    def _finish(self, talk: Talk, done: asyncio.Future[_T], result: _T | None, problem: BaseException | None) -> None:
        """In the loop: the thread is free again, whether or not somebody still waits for it."""
        self._open.discard(talk)
        self._free.release()
        if done.done():
            return
        if problem is not None:
            done.set_exception(problem)
        else:
            done.set_result(result)  # type: ignore[arg-type] # None only where _T is

    def end(self) -> None:
        """Cut all conversations."""
        for talk in tuple(self._open):
            talk.end()
