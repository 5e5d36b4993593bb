"""What Linux tells and does about processes: who they are, and that they ended."""

import ctypes
import os
import select
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

import msgspec

_SET_CHILD_SUBREAPER: Final = 36  # PR_SET_CHILD_SUBREAPER, prctl(2)
_STARTED_FIELD: Final = 19  # field 22 of proc(5)'s stat, counted from behind the command's bracket
_STATE_FIELD: Final = 0
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


class ProcessId(msgspec.Struct, frozen=True):
    """A process that no other can be taken for, not even after its number was given out again.

    Attributes:
        pid: its number.
        started: clock ticks from boot to its start.
    """

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """The process that has this number now; None if there is none, or only its remains."""
        fields = _stat(pid)
        if not fields or fields[_STATE_FIELD] in {"Z", "X"}:
            return None
        return cls(pid, int(fields[_STARTED_FIELD]))

    def is_alive(self) -> bool:
        """Whether it still runs."""
        return ProcessId.of(self.pid) == self

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if it still runs."""
        if self.is_alive():
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def wait(self, seconds: float, is_over: Callable[[], bool] = lambda: False) -> bool:
        """Wait for its end, or until `is_over`; whether it has ended. It need not be a child of ours."""
        end = time.monotonic() + seconds
        while self.is_alive():
            left = end - time.monotonic()
            if left <= 0 or is_over():
                return False
            _wait_pid(self.pid, min(left, 0.2))
        return True


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _wait_pid(pid: int, seconds: float) -> None:
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        poll.poll(seconds * 1000)
    finally:
        os.close(descriptor)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent has ended, in place of process 1.

    PostgreSQL believes that a killed server runs as long as nobody has asked for its exit code. Process 1 of a
    container may do so late or never.
    """
    _LIBC.prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def bury(command: str, first: int = 0) -> None:
    """Ask for the exit codes of ended children that ran this command and that no other part waits for.

    The kernel's list of children may miss some while others end; `first` is buried in any case.
    """
    listed = [pid for task in Path("/proc/self/task").iterdir() for pid in _children(task)]
    for pid in (first, *listed):
        if _stat(pid)[_STATE_FIELD : _STATE_FIELD + 1] == ["Z"] and command_of(pid) == command:
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def _children(task: Path) -> list[int]:
    try:
        return [int(word) for word in (task / "children").read_text().split()]
    except OSError:  # the thread has ended
        return []


def command_of(pid: int) -> str:
    """The name of the program that a process runs or ran, as long as the kernel knows it; else empty."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(errors="replace").strip()
    except OSError:
        return ""
