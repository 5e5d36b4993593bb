"""Who a process is, whether it lives, and waiting for its end."""

import os
import signal
import subprocess
import sys
import time

import msgspec

from installer.supervision.kernel import ProcessId

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


def test_a_number_that_was_given_out_again_is_somebody_else() -> None:
    """A process id with another start time is not alive, and gets no signal."""
    with subprocess.Popen(SLEEP) as process:  # noqa: S603 - the words above
        found = ProcessId.of(process.pid)
        assert found is not None
        assert found.is_alive()
        earlier = msgspec.structs.replace(found, started=found.started - 1)
        assert not earlier.is_alive()
        earlier.send(signal.SIGKILL)
        time.sleep(0.1)
        assert process.poll() is None
        found.send(signal.SIGKILL)


def test_the_remains_of_a_process_are_no_process() -> None:
    """A zombie has ended; so has a number that nobody has."""
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    found = ProcessId.of(process.pid)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert ProcessId.of(process.pid) is None
    assert found is None or not found.is_alive()
    process.wait()
    assert ProcessId.of(process.pid) is None


def test_waiting_ends_with_the_process_with_its_time_or_when_told() -> None:
    """All three, each without delay."""
    with subprocess.Popen(SLEEP) as process:  # noqa: S603 - the words above
        found = ProcessId.of(process.pid)
        assert found is not None
        began = time.monotonic()
        assert not found.wait(0.2)
        assert not found.wait(60, is_over=lambda: True)
        process.kill()
        assert found.wait(60)
        assert time.monotonic() - began < 5
