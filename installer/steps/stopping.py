"""Ctrl-C and SIGTERM: the first ends `leashctl up` in order, the second one in a hurry."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequestedError(BaseException):
    """Raised in the main thread wherever it is, as KeyboardInterrupt is; not an Exception, so that nothing eats it."""


class Stopping:
    """What signals have said."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.is_requested = False
        self.is_urgent = False
        self.failure: BaseException | None = None
        self._wake = threading.Event()

    def heard(self, _number: int, _frame: FrameType | None) -> None:
        """The handler."""
        if self.is_requested:
            self.is_urgent = True
            return
        self.is_requested = True
        raise StopRequestedError

    def give_up(self, problem: BaseException) -> None:
        """Another thread has met something that ends everything."""
        self.failure = problem
        self._wake.set()

    def wait(self) -> None:
        """Wait for a signal, which raises, or for another thread that gave up.

        Raises:
            StopRequestedError: by the handler.
        """
        self._wake.wait()
        if self.failure is not None:
            raise self.failure


@contextmanager
def stop_signals() -> Iterator[Stopping]:
    """Hear the signals for the length of the block."""
    stopping = Stopping()
    before = {number: signal.signal(number, stopping.heard) for number in _SIGNALS}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
