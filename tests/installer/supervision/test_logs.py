"""Logs of bounded size that never stop the service that writes them."""

import resource
from pathlib import Path

from installer.supervision.logs import KEPT, RotatingLog


def test_files_stay_below_their_limit_and_old_ones_go(tmp_path: Path) -> None:
    """A hundred lines into files of two hundred bytes: few files, each small, the youngest lines in the first."""
    log = RotatingLog(tmp_path, "server", bytes_max=200)
    for number in range(100):
        log.write(b"line %02d ..........\n" % number)
    log.close()
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["server.1.log", "server.2.log", "server.3.log", "server.4.log", "server.log"]
    assert len(files) == KEPT + 1
    assert all(path.stat().st_size <= 200 for path in tmp_path.iterdir())
    assert log.tail(1) == ["line 99 .........."]
    older = (tmp_path / "server.1.log").read_text().splitlines()
    assert older[-1] < log.tail(200)[0]


def test_only_the_services_user_reads_a_log(tmp_path: Path) -> None:
    """0600 in a directory with 0700."""
    log = RotatingLog(tmp_path / "logs", "server")
    log.write(b"x\n")
    assert log.path.stat().st_mode & 0o777 == 0o600
    assert log.path.parent.stat().st_mode & 0o777 == 0o700


def test_a_new_run_goes_on_in_the_same_file(tmp_path: Path) -> None:
    """Nothing is overwritten, and the limit counts what was there."""
    for text in (b"first\n", b"second\n"):
        log = RotatingLog(tmp_path, "server")
        log.write(text)
        log.close()
    assert log.tail() == ["first", "second"]


def test_a_full_disk_loses_lines_and_tells_how_many(tmp_path: Path) -> None:
    """Writing raises nothing while there is no room; afterwards the log says what is missing."""
    log = RotatingLog(tmp_path, "server")
    log.write(b"before\n")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        log.write(b"a line that has no room\n")
        log.write(b"another\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    log.write(b"after\n")
    lines = log.tail()
    assert lines[0] == "before"
    assert '{"event": "log.lost", "bytes": 29}' in log.path.read_text()
    assert lines[-1] == "after"
