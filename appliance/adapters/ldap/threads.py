"""Threads for work that blocks: made when they are needed, used again, and in nobody's way at the end."""

import queue
import threading
from collections.abc import Callable
from typing import Final

IDLE_SECONDS: Final = 10.0

# A job works, and hands back how to tell of it: the thread is free for another job before anybody hears of this one.
Job = Callable[[], Callable[[], None]]


class Threads:
    """As many threads as there are jobs at once.

    They stay for a while: to start one keeps the event loop waiting until it runs, which takes milliseconds while
    others compute. They are daemons, so one that hangs does not hold up the shutdown.
    """

    def __init__(self, idle_seconds: float = IDLE_SECONDS) -> None:
        """A thread that has had nothing to do for the seconds ends."""
        self._idle_seconds = idle_seconds
        self._idle: list[queue.SimpleQueue[Job]] = []
        self._lock = threading.Lock()

    def give(self, job: Job) -> None:
        """Let a thread do the job now.

        Raises:
            RuntimeError: the system gives no more threads.
        """
        with self._lock:
            jobs = self._idle.pop() if self._idle else None
        if jobs is not None:
            jobs.put(job)
            return
        jobs = queue.SimpleQueue()
        jobs.put(job)
        threading.Thread(target=self._serve, args=(jobs,), name="leash-ldap", daemon=True).start()

    def _serve(self, jobs: "queue.SimpleQueue[Job]") -> None:
        """In the thread."""
        while (job := self._next(jobs)) is not None:
            tell = job()
            with self._lock:
                self._idle.append(jobs)
            tell()

    def _next(self, jobs: "queue.SimpleQueue[Job]") -> Job | None:
        try:
            return jobs.get(timeout=self._idle_seconds)
        except queue.Empty:
            with self._lock:
                if jobs in self._idle:
                    self._idle.remove(jobs)
                    return None
            return jobs.get()  # it was given one at the last moment
