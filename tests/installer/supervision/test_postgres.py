"""The embedded PostgreSQL comes back after kill -9, and is missed loudly when its data are gone."""

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.database.embedded import EmbeddedPostgres
from installer.supervision.postgres import PostgresKeeper, postmaster, stop


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A running server of the test's own."""
    own = EmbeddedPostgres(tmp_path / "state", is_durable=False)
    own.start()
    try:
        yield own
    finally:
        own.remove()


class Kept:
    """A keeper, and what it told."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self.told: list[str] = []
        self.given_up: list[Exception] = []
        self.keeper = PostgresKeeper(server, tell=self.told.append, give_up=self.given_up.append)
        self.keeper.start()


def until(is_true: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_it_comes_back_after_kill_nine(server: EmbeddedPostgres) -> None:
    """Twice in a row; it accepts connections again, and ends for good when it is asked to."""
    kept = Kept(server)
    for _ in range(2):
        first = postmaster(server)
        assert first is not None
        os.kill(first.pid, signal.SIGKILL)
        until(lambda: postmaster(server) not in {None, first} and server.is_running())  # noqa: B023 - called here
    kept.keeper.end()
    assert postmaster(server) is None
    assert not kept.keeper.is_alive()
    assert kept.told[0] == "PostgreSQL ended; it is started again"
    assert kept.told[1].startswith("PostgreSQL runs again after ")
    assert kept.given_up == []


def test_it_gives_up_when_the_data_are_gone(server: EmbeddedPostgres) -> None:
    """An unmounted disk is no reason to begin with an empty database."""
    kept = Kept(server)
    first = postmaster(server)
    assert first is not None
    away = Path(server.layout.data).with_name("elsewhere")
    shutil.move(server.layout.data, away)
    os.kill(first.pid, signal.SIGKILL)
    until(lambda: kept.given_up)
    assert "The data of PostgreSQL are gone" in str(kept.given_up[0])
    shutil.move(away, server.layout.data)
    kept.keeper.end()


def test_stopping_what_does_not_run_is_nothing(server: EmbeddedPostgres) -> None:
    """Also a second time."""
    stop(server)
    stop(server)
    assert postmaster(server) is None
