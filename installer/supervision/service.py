"""One module of ours as a child process: kept running, its output in a bounded log, ended when asked."""

import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from appliance.parent_death import dies_with_parent
from installer.supervision.backoff import delay_after
from installer.supervision.kernel import ProcessId
from installer.supervision.logs import RotatingLog

_READ_BYTES: Final = 65_536
KILLED_SECONDS: Final = 5.0


class Service(threading.Thread):
    """The thread that starts the process, reads what it prints, and starts it again whenever it ends.

    It is this thread's child, because a parent's death signal belongs to the thread that forked (prctl(2)).
    """

    def __init__(
        self,
        module: str,
        words: Sequence[str],
        *,
        environ: Mapping[str, str],
        log: RotatingLog,
        tell: Callable[[str], None],
        started: Callable[[str, int], None] = lambda _module, _pid: None,
    ) -> None:
        """`words` follow `python -P -m MODULE`; `started` hears of each new process, `tell` of each unwanted end."""
        super().__init__(name=module, daemon=True)
        self.module = module
        self.log = log
        self.failed_with = 0
        self._words = [sys.executable, "-P", "-m", module, *words]
        self._environ = dict(environ)
        self._tell, self._hear_start = tell, started
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        """Until `end`: start, wait, start again."""
        delay = 0.0
        while not self._stopping.wait(delay):
            began = time.monotonic()
            process = self._start()
            if process is None:
                return
            code = self._follow(process)
            if self._stopping.is_set():
                return
            delay = delay_after(delay, lived_seconds=time.monotonic() - began, exit_code=code)
            self.failed_with = max(self.failed_with, code)
            self._tell(f"{self.module} {_ending(code)}; it is started again {_when(delay)}")

    def end(self, seconds: float, *, at_once: Callable[[], bool] = lambda: False) -> bool:
        """SIGTERM, and SIGKILL to its whole group after `seconds` or when `at_once`; whether it ended by itself."""
        with self._lock:
            self._stopping.set()
            process = self._process
        if process is None or not self.is_alive():
            return True
        process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + seconds
        while self.is_alive() and time.monotonic() < deadline and not at_once():
            self.join(0.05)
        if not self.is_alive():
            return True
        kill_group(process.pid)
        self.join(KILLED_SECONDS)
        return False

    def _start(self) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._stopping.is_set():
                return None
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                self._words,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                # Ctrl-C on the terminal is for us alone: we stop the others one after the other.
                process_group=0,
                preexec_fn=dies_with_parent(os.getpid()),  # noqa: PLW1509 - it takes no lock and imports nothing
            )
        self._hear_start(self.module, self._process.pid)
        return self._process

    def _follow(self, process: subprocess.Popen[bytes]) -> int:
        """Copy what it prints until it ends; its exit code."""
        assert process.stdout is not None  # noqa: S101 - it was opened as a pipe
        output = process.stdout.fileno()
        os.set_blocking(output, False)
        ended = os.pidfd_open(process.pid)
        poll = select.poll()
        poll.register(ended, select.POLLIN)
        poll.register(output, select.POLLIN)
        try:
            while ended not in (ready := dict(poll.poll())):
                if output in ready and not self._copy(output):
                    poll.unregister(output)
            # A descendant may hold the pipe open: read what is there, and wait for no more.
            while self._copy(output):
                pass
        finally:
            os.close(ended)
            process.stdout.close()
        kill_group(process.pid)
        return process.wait()

    def _copy(self, output: int) -> bool:
        try:
            data = os.read(output, _READ_BYTES)
        except BlockingIOError:
            return False
        self.log.write(data)
        return bool(data)

    def identity(self) -> ProcessId | None:
        """The process that runs now."""
        process = self._process
        return ProcessId.of(process.pid) if process is not None else None


def kill_group(leader: int) -> None:
    """SIGKILL for everything that is left of a process and its descendants."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    with suppress(ValueError):
        return f"was ended by {signal.Signals(-code).name}"
    return f"was ended by signal {-code}"


def _when(delay: float) -> str:
    return f"in {delay:.1f} s" if delay else "at once"
