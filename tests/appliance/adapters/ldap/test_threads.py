"""Threads for conversations: used again, more when needed, gone when idle."""

import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

from appliance.adapters.ldap.threads import Threads


def test_a_thread_does_one_job_after_the_other() -> None:
    """Whoever hears that a job is done finds its thread free."""
    threads, told = Threads(), SimpleQueue[int]()

    def job() -> Callable[[], None]:
        who = threading.get_ident()
        return lambda: told.put(who)

    seen = set()
    for _ in range(20):
        threads.give(job)
        seen.add(told.get(timeout=5))
    assert len(seen) == 1


def test_a_job_never_waits_for_another_one() -> None:
    """While one thread hangs, the next job gets another one."""
    threads, told, hang = Threads(), SimpleQueue[str](), threading.Event()

    def hanging() -> Callable[[], None]:
        hang.wait(5)
        return lambda: told.put("hung")

    threads.give(hanging)
    threads.give(lambda: lambda: told.put("quick"))
    assert told.get(timeout=2) == "quick"
    hang.set()
    assert told.get(timeout=5) == "hung"


def test_an_idle_thread_ends() -> None:
    """After a while without work; the next job gets a new one."""
    threads, told = Threads(idle_seconds=0.05), SimpleQueue[threading.Thread]()
    threads.give(lambda: lambda: told.put(threading.current_thread()))
    first = told.get(timeout=5)
    end = time.monotonic() + 5
    while first.is_alive() and time.monotonic() < end:
        time.sleep(0.02)
    assert not first.is_alive()
    threads.give(lambda: lambda: told.put(threading.current_thread()))
    assert told.get(timeout=5) is not first
