"""Several processes serve one port, because each uses one core for Python; the first one only keeps them running."""

import gc
import os
import signal
import time
from collections.abc import Callable
from typing import Final

import structlog

from appliance.memory import give_back
from appliance.parent_death import dies_with_parent

_LISTENS: Final = signal.SIGUSR1
_HEARD: Final = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, _LISTENS}
# Whoever lives shorter would die again and again: then the service ends, and its supervisor waits longer each time.
_SETTLED_SECONDS: Final = 0.2
_CORES_USED: Final = 4
log = structlog.get_logger("server")


def worker_count(configured: int) -> int:
    """How many processes serve: as configured, or one for each core that we may use, up to 4."""
    return configured or min(len(os.sched_getaffinity(0)), _CORES_USED)


class Workers:
    """Forks the serving processes, replaces those that are killed, and ends with them.

    The next worker starts when the one before listens: what keeps the first from starting is told once.
    """

    def __init__(self, count: int, serve: Callable[[Callable[[], None]], None]) -> None:
        """`serve` runs in each worker, until SIGTERM, and calls its argument when it listens; no thread may run yet."""
        self._count = count
        self._serve = serve
        self._began: dict[int, float] = {}
        self._is_stopping = False
        self._code = 0

    def run(self) -> int:
        """Until SIGTERM or SIGINT, or until a worker ends by itself; the exit code: 0, or that worker's.

        In a worker it does not return: it leaves by SystemExit.
        """
        give_back()
        gc.freeze()  # the pages of what is here now stay shared between the workers
        signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
        self._fork()
        while self._began:
            heard = signal.sigwait(_HEARD)
            if heard == signal.SIGCHLD:
                self._reap()
            elif heard != _LISTENS:
                self._stop()
            elif len(self._began) < self._count and not self._is_stopping:
                self._fork()
        return self._code

    def _fork(self) -> None:
        first = os.getpid()
        prepare = dies_with_parent(first)
        pid = os.fork()
        if pid == 0:
            prepare()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEARD)
            self._serve(lambda: _tell_listening(first))
            raise SystemExit
        self._began[pid] = time.monotonic()

    def _reap(self) -> None:
        for pid in list(self._began):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                self._ended(pid, os.waitstatus_to_exitcode(status))

    def _ended(self, pid: int, code: int) -> None:
        lived = time.monotonic() - self._began.pop(pid)
        if self._is_stopping:
            return
        if code < 0 and lived > _SETTLED_SECONDS:
            log.error("server.worker_killed", pid=pid, signal=-code)
            self._fork()
            return
        self._code = code if code > 0 else 1
        self._stop()

    def _stop(self) -> None:
        self._is_stopping = True
        for pid in self._began:
            os.kill(pid, signal.SIGTERM)


def _tell_listening(first: int) -> None:
    if os.getppid() == first:
        os.kill(first, _LISTENS)
