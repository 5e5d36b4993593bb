"""A service is kept running, whatever ends it, and ends with whoever keeps it. Real processes, small modules."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from installer.supervision.logs import RotatingLog
from installer.supervision.service import Service
from tests.support import processes

SERVES = "import signal\nprint('serving', flush=True)\nsignal.pause()\n"
STUBBORN = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SERVES
FAILS = "print('no database')\nraise SystemExit(69)\n"
WITH_CHILD = (
    "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n" + SERVES
)
CHATTERS = "import sys\nfor n in range(200000): print('line', n)\nsys.stdout.flush()\n" + SERVES


class Kept:
    """A service that runs a module's text, and what was told of it."""

    def __init__(self, folder: Path, text: str) -> None:
        (folder / "standin.py").write_text(text)
        self.told: list[str] = []
        self.pids: list[int] = []
        self.service = Service(
            "standin",
            [],
            environ={**os.environ, "PYTHONPATH": str(folder)},
            log=RotatingLog(folder / "logs", "standin"),
            tell=self.told.append,
            started=lambda _, pid: self.pids.append(pid),
        )

    def serving(self, times: int = 1) -> bool:
        return self.service.log.tail(1000).count("serving") >= times


@contextmanager
def kept(folder: Path, text: str) -> Iterator[Kept]:
    one = Kept(folder, text)
    one.service.start()
    try:
        yield one
    finally:
        one.service.end(0)


def until(is_true: Callable[[], object], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_killed_process_comes_back_at_once(tmp_path: Path) -> None:
    """Kill -9, three times: each time another process serves, and each end was told."""
    with kept(tmp_path, SERVES) as one:
        for times in range(1, 4):
            until(lambda: one.serving(times))  # noqa: B023 - called before the next round
            time.sleep(0.25)
            os.kill(one.pids[-1], signal.SIGKILL)
            until(lambda: len(one.pids) > times, 1)  # noqa: B023 - as above
        until(lambda: one.serving(4))
        assert len(set(one.pids)) == 4
    assert one.told == ["standin was ended by SIGKILL; it is started again at once"] * 3
    assert one.service.failed_with == 0


def test_a_process_that_fails_is_tried_again_with_longer_waits(tmp_path: Path) -> None:
    """Its exit code is known, its words are in the log, and it is not given up."""
    with kept(tmp_path, FAILS) as one:
        until(lambda: len(one.told) >= 2)
        assert one.service.failed_with == 69
    assert one.told[0].startswith("standin ended with exit code 69; it is started again in 0.")
    assert one.told[0] != one.told[1]
    assert "no database" in one.service.log.tail()


def test_ending_is_by_sigterm_and_final(tmp_path: Path) -> None:
    """Nothing is left, and nothing comes back."""
    with kept(tmp_path, SERVES) as one:
        until(one.serving)
        assert one.service.end(5)
        assert not processes.is_alive(one.pids[-1])
        time.sleep(0.3)
    assert len(one.pids) == 1
    assert one.told == []


def test_what_does_not_hear_sigterm_is_killed(tmp_path: Path) -> None:
    """After its time is over."""
    with kept(tmp_path, STUBBORN) as one:
        until(one.serving)
        assert not one.service.end(0.3)
        assert not processes.is_alive(one.pids[-1])


def test_descendants_of_a_killed_process_go_too(tmp_path: Path) -> None:
    """Else an old worker would keep the port, and the pipe to the log."""
    with kept(tmp_path, WITH_CHILD) as one:
        until(one.serving)
        [child] = processes.children(one.pids[0])
        os.kill(one.pids[0], signal.SIGKILL)
        until(lambda: one.serving(2))
        until(lambda: not processes.is_alive(child))


def test_much_output_neither_blocks_nor_grows_without_end(tmp_path: Path) -> None:
    """A pipe holds 64 kB: two megabytes must be read as they come."""
    with kept(tmp_path, CHATTERS) as one:
        until(one.serving)
        assert one.service.log.tail(2)[0] == "line 199999"


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_a_service_ends_with_its_keeper(tmp_path: Path, end: signal.Signals) -> None:
    """However the keeping process ends, its service hears SIGTERM."""
    (tmp_path / "standin.py").write_text(SERVES)
    keeper = f"""
import os, time
from pathlib import Path
from installer.supervision.logs import RotatingLog
from installer.supervision.service import Service
log = RotatingLog(Path({str(tmp_path)!r}), "standin")
Service("standin", [], environ=os.environ, log=log, tell=print,
        started=lambda _, pid: print(pid, flush=True)).start()
time.sleep(600)
"""
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    with subprocess.Popen(  # noqa: S603 - the text above
        [sys.executable, "-P", "-c", keeper], env=environ, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        until(lambda: "serving" in RotatingLog(tmp_path, "standin").tail())
        process.send_signal(end)
        until(lambda: not processes.is_alive(pid))
