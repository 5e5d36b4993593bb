"""One `leashctl up` per state directory."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from installer.errors import AlreadyRunningError, StateUnusableError
from installer.steps.lock import FILE, StateLock, read
from tests.support import processes

URL = "http://127.0.0.1:9318"


def test_a_second_one_hears_who_was_first(tmp_path: Path) -> None:
    """Address and process; afterwards the directory is free again."""
    lock = StateLock.acquire(tmp_path / "state", URL)
    with pytest.raises(AlreadyRunningError) as refused:
        StateLock.acquire(tmp_path / "state", "http://127.0.0.1:1")
    assert (refused.value.url, refused.value.pid) == (URL, os.getpid())
    running = read(tmp_path / "state")
    assert running is not None
    assert (running.url, running.pid) == (URL, os.getpid())
    lock.release()
    assert read(tmp_path / "state") is None
    StateLock.acquire(tmp_path / "state", URL).release()


def test_the_lock_goes_with_its_process(tmp_path: Path) -> None:
    """Kill -9 leaves no lock behind, but the names of the services that it started."""
    holder = f"""
import subprocess, sys, time
from pathlib import Path
from installer.steps.lock import StateLock
lock = StateLock.acquire(Path({str(tmp_path)!r}), {URL!r})
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
lock.record("server", child.pid)
print(child.pid, flush=True)
time.sleep(600)
"""
    with subprocess.Popen(  # noqa: S603 - the text above
        [sys.executable, "-P", "-c", holder], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        left = int(process.stdout.readline())
        assert read(tmp_path) is not None
        process.send_signal(signal.SIGKILL)
    assert read(tmp_path) is None
    assert processes.is_alive(left)
    lock = StateLock.acquire(tmp_path, URL)
    assert lock.end_leftovers() == ["server"]
    assert not processes.is_alive(left)
    assert lock.end_leftovers() == []
    lock.release()


def test_a_damaged_lock_file_is_no_obstacle(tmp_path: Path) -> None:
    """A crash may leave anything in it."""
    (tmp_path / FILE).write_bytes(b'{"url": "http://12')
    assert read(tmp_path) is None
    lock = StateLock.acquire(tmp_path, URL)
    assert lock.left == {}
    running = read(tmp_path)
    assert running is not None
    assert running.url == URL
    lock.release()


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A file stands where the directory should be."""
    (tmp_path / "state").write_text("")
    with pytest.raises(StateUnusableError, match="cannot be used"):
        StateLock.acquire(tmp_path / "state" / "inner", URL)
