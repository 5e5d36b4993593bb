"""`leashctl up` with a real PostgreSQL and stand-ins for the server, for what the journeys cannot tell quickly."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.database.embedded import EmbeddedPostgres
from installer.steps.lock import read
from installer.supervision.postgres import postmaster
from tests.installer.conftest import keep_password
from tests.support import processes
from tests.support.postgres import TestDatabase

READY = "Ctrl-C stops everything"
SERVER = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *words): print(*words, flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["LEASH_SERVER__PORT"])), Handler).serve_forever()
"""
SCHEDULER = "import signal\nsignal.pause()\n"
FAILS = "raise SystemExit('server: the stand-in has no wish to start')\n"


class Standing:
    """An installation whose server and scheduler are texts of the test."""

    def __init__(self, place: Path, server: str = SERVER) -> None:
        package = place / "modules" / "server"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "__main__.py").write_text(server)
        (package / "scheduler.py").write_text(SCHEDULER)
        self.state, self.output = place / "state", place / "up.log"
        self.port = processes.free_port()
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("LEASH_")},
            "LEASH_STATE__DIRECTORY": str(self.state),
            "LEASH_SERVER__PORT": str(self.port),
            "PYTHONPATH": str(package.parent),
        }
        self.up: subprocess.Popen[bytes] | None = None

    def start(self) -> subprocess.Popen[bytes]:
        with self.output.open("ab") as file:
            self.up = subprocess.Popen(
                [sys.executable, "-P", "-m", "installer", "up"], env=self.environ, stdout=file, stderr=file,
                stdin=subprocess.DEVNULL, process_group=0,
            )  # fmt: skip
        return self.up

    def said(self) -> str:
        return self.output.read_text()

    def wait_ready(self, times: int = 1) -> None:
        until(lambda: self.said().count(READY) >= times or self.up is None or self.up.poll() is not None, 60)
        assert self.said().count(READY) == times, self.said()

    def services(self) -> dict[str, int]:
        running = read(self.state)
        return {module: each.pid for module, each in running.services.items()} if running else {}

    def remove(self) -> None:
        if self.up is not None:
            self.up.kill()
            self.up.wait()
        if self.state.exists():
            EmbeddedPostgres(self.state).remove()


@pytest.fixture
def standing(tmp_path: Path) -> Iterator[Standing]:
    """An installation, gone afterwards."""
    one = Standing(tmp_path)
    try:
        yield one
    finally:
        one.remove()


def until(is_true: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_it_says_where_it_is_and_what_comes_next(standing: Standing) -> None:
    """Address, one-time link, next step, seconds; the second run while it runs ends with 75; SIGTERM ends it with 0."""
    up = standing.start()
    standing.wait_ready()
    for line in (f"Address      http://127.0.0.1:{standing.port}", "Owner link   http://", "Next         leashctl try"):
        assert line in standing.said()
    assert standing.start().wait(30) == 75
    assert f"http://127.0.0.1:{standing.port}, process {up.pid}" in standing.said()
    left = [*standing.services().values(), *processes.family(postmaster_of(standing))]
    assert len(left) > 4
    up.send_signal(signal.SIGTERM)
    assert up.wait(30) == 0
    assert [pid for pid in left if processes.is_alive(pid)] == []
    assert "Traceback" not in standing.said()


def postmaster_of(standing: Standing) -> int:
    found = postmaster(EmbeddedPostgres(standing.state))
    return found.pid if found else 0


def test_after_kill_nine_nothing_stays_for_ever_and_the_next_run_adopts_the_database(standing: Standing) -> None:
    """Server and scheduler end with it; PostgreSQL goes on, and is the same process in the next run."""
    up = standing.start()
    standing.wait_ready()
    services, database = standing.services(), postmaster_of(standing)
    assert set(services) == {"server", "server.scheduler"}
    up.kill()
    up.wait()
    until(lambda: not any(processes.is_alive(pid) for pid in services.values()))
    assert processes.is_alive(database)
    again = standing.start()
    standing.wait_ready(2)
    assert "adopted as it runs" in standing.said()
    assert postmaster_of(standing) == database
    again.send_signal(signal.SIGINT)
    assert again.wait(30) == 0
    assert not processes.is_alive(database)


@pytest.mark.parametrize("is_owner_known", [True, False])
def test_an_external_database_is_used_and_left_running(
    committed_database: TestDatabase,
    standing: Standing,
    is_owner_known: bool,  # noqa: FBT001 - a case of the table
) -> None:
    """One URL is enough; without the owner's, the administrator migrates. No database of ours is made."""
    if is_owner_known:
        keep_password(committed_database, standing.state)
        standing.environ["LEASH_DATABASE__OWNER_URL"] = committed_database.owner_url
    standing.environ["LEASH_DATABASE__SERVICE_URL"] = committed_database.service_url
    up = standing.start()
    standing.wait_ready()
    assert "Database     the one that [database] names" in standing.said()
    assert ("up to date" if is_owner_known else "left to the administrator") in standing.said()
    assert "Owner link   http://" in standing.said()
    up.send_signal(signal.SIGINT)
    assert up.wait(30) == 0
    assert not (standing.state / "postgres.json").exists()


def test_a_port_in_use_is_told_before_a_database_is_made(standing: Standing) -> None:
    """Exit code 69, what to do, and nothing started."""
    with socket.create_server(("127.0.0.1", standing.port)):
        assert standing.start().wait(30) == 69
    assert f"port {standing.port} cannot be listened on: another program uses it" in standing.said()
    assert "make up PORT=" in standing.said()
    assert not (standing.state / "postgres.json").exists()
    assert "Traceback" not in standing.said()


def test_a_server_that_does_not_start_ends_it_with_the_end_of_its_log(tmp_path: Path) -> None:
    """Exit code 69; the database is stopped again."""
    standing = Standing(tmp_path, server=FAILS)
    try:
        assert standing.start().wait(60) == 69
        assert "server ended with exit code 1; its log " in standing.said()
        assert "the stand-in has no wish to start" in standing.said()
        assert postmaster_of(standing) == 0
        assert "Traceback" not in standing.said()
    finally:
        standing.remove()


@pytest.mark.parametrize("after_seconds", [0.3, 1.2, 2.5])
def test_ctrl_c_while_it_starts_leaves_nothing_behind(standing: Standing, after_seconds: float) -> None:
    """As the terminal sends it, to the whole group, at any moment; and the next run starts as if nothing had been."""
    up = standing.start()
    time.sleep(after_seconds)
    os.killpg(up.pid, signal.SIGINT)
    assert up.wait(40) in {0, 130}
    assert postmaster_of(standing) == 0
    again = standing.start()
    standing.wait_ready()
    again.send_signal(signal.SIGINT)
    assert again.wait(30) == 0
