"""One `leashctl up` per state directory, and what it leaves behind for the next one."""

import fcntl
import os
import signal
import threading
from pathlib import Path
from typing import Final, Self

import msgspec

from installer.errors import AlreadyRunningError, StateUnusableError
from installer.supervision.kernel import ProcessId

FILE: Final = "up.lock"
_TERM_SECONDS: Final = 15.0
_KILL_SECONDS: Final = 5.0


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """What the lock file says.

    Attributes:
        url: address of the installation.
        pid: process id of `leashctl up`.
        services: module -> its process.
    """

    url: str
    pid: int
    services: dict[str, ProcessId] = {}


class StateLock:
    """Holds the state directory until it is closed or the process ends, in whatever way."""

    def __init__(self, descriptor: int, running: Running, left: dict[str, ProcessId]) -> None:
        """`left` are services of an earlier run."""
        self._descriptor = descriptor
        self._running = running
        self._writing = threading.Lock()
        self.left = left

    @classmethod
    def acquire(cls, state: Path, url: str) -> Self:
        """Take the lock.

        Raises:
            AlreadyRunningError: another process has it.
            StateUnusableError: the directory cannot be made or written.
        """
        try:
            state.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(state / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as problem:
            raise StateUnusableError(state, problem) from problem
        before = _decode(os.pread(descriptor, 65_536, 0))
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise AlreadyRunningError(before.url or str(state), before.pid) from None
        lock = cls(descriptor, Running(url=url, pid=os.getpid()), before.services)
        lock._write()
        return lock

    def record(self, module: str, pid: int) -> None:
        """Remember a service's process, for whoever comes after us."""
        process = ProcessId.of(pid)
        if process is not None:
            with self._writing:
                services = {**self._running.services, module: process}
                self._running = msgspec.structs.replace(self._running, services=services)
                self._write()

    def end_leftovers(self) -> list[str]:
        """End services of an earlier run that was killed; their names."""
        found = [module for module, process in self.left.items() if process.is_alive()]
        for number, seconds in ((signal.SIGTERM, _TERM_SECONDS), (signal.SIGKILL, _KILL_SECONDS)):
            for module in found:
                self.left[module].send(number)
            for module in found:
                self.left[module].wait(seconds)
        return found

    def release(self) -> None:
        """Give the directory back."""
        self._running = Running(url="", pid=0)
        self._write()
        os.close(self._descriptor)

    def _write(self) -> None:
        text = msgspec.json.encode(self._running)
        # Shorter or longer than before: readers without the lock must never see a mixture, so spaces fill the rest.
        size = os.fstat(self._descriptor).st_size
        os.pwrite(self._descriptor, text.ljust(size), 0)


def read(state: Path) -> Running | None:
    """Who holds the state directory now; None if nobody does."""
    try:
        descriptor = os.open(state / FILE, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    running = _decode(os.pread(descriptor, 65_536, 0))
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return running
    finally:
        os.close(descriptor)
    return None


def _decode(text: bytes) -> Running:
    try:
        return msgspec.json.decode(text, type=Running)
    except msgspec.DecodeError:
        return Running(url="", pid=0)
