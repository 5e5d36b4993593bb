"""The embedded PostgreSQL, kept running: it is nobody's child, so its end is seen through its process id."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from appliance.database.embedded import EmbeddedPostgres
from appliance.database.errors import EmbeddedServerError
from installer.supervision.kernel import ProcessId, bury, command_of

_COMMAND: Final = "postgres"
_LOOK_SECONDS: Final = 1.0
_JOIN_SECONDS: Final = 0.2
_RETRY_FIRST_SECONDS: Final = 0.2
_RETRY_LONGEST_SECONDS: Final = 1.0
# Processes of a postmaster that was killed hold its shared memory for a moment; a failure this long is worth a line.
_PATIENCE_SECONDS: Final = 3.0
_END_SECONDS: Final = 30.0


class PostgresKeeper(threading.Thread):
    """Starts the server again whenever its first process has ended."""

    def __init__(
        self, server: EmbeddedPostgres, *, tell: Callable[[str], None], give_up: Callable[[EmbeddedServerError], None]
    ) -> None:
        """`server` runs; `give_up` is called when its data are gone, which no restart can mend."""
        super().__init__(name="postgres", daemon=True)
        self._server = server
        self._tell, self._give_up = tell, give_up
        self._stopping = threading.Event()

    def run(self) -> None:
        """Until `end`."""
        while not self._stopping.is_set():
            bury(_COMMAND)
            first = postmaster(self._server)
            if first is not None:
                first.wait(_LOOK_SECONDS)  # its end wakes us at once
            elif not self._revive():
                return

    def _revive(self) -> bool:
        """Start it; False if that makes no sense any more."""
        began, delay, told = time.monotonic(), 0.0, ""
        self._tell("PostgreSQL ended; it is started again")
        while not self._stopping.wait(delay):
            if not (Path(self._server.layout.data) / "PG_VERSION").exists():
                self._give_up(EmbeddedServerError(f"The data of PostgreSQL are gone: {self._server.layout.data}"))
                return False
            # PostgreSQL takes its predecessor for alive until somebody has asked for its exit code.
            bury(_COMMAND, _recorded(self._server))
            try:
                self._server.start()
            except EmbeddedServerError as problem:
                delay = min(max(2 * delay, _RETRY_FIRST_SECONDS), _RETRY_LONGEST_SECONDS)
                if time.monotonic() - began > _PATIENCE_SECONDS and problem.detail != told:
                    told = problem.detail
                    self._tell(f"{told}; it is tried again until it starts")
            else:
                self._tell(f"PostgreSQL runs again after {time.monotonic() - began:.1f} s")
                return True
        return False

    def end(self) -> None:
        """Stop the server: sessions are ended, committed work stays."""
        self._stopping.set()
        # A start that is under way may bring it up once more.
        while self.is_alive():
            stop(self._server)
            self.join(_JOIN_SECONDS)
        stop(self._server)


def stop(server: EmbeddedPostgres) -> None:
    """Stop it and wait for the end of its first process, also if a Ctrl-C on the terminal ended pg_ctl early."""
    end = time.monotonic() + _END_SECONDS
    while (first := postmaster(server)) is not None and time.monotonic() < end:
        server.stop()
        first.wait(1)
        bury(_COMMAND, first.pid)


def postmaster(server: EmbeddedPostgres) -> ProcessId | None:
    """The server's first process, from its own pid file; None if it does not run."""
    pid = _recorded(server)
    # After a crash the file may name a number that another program has by now.
    return ProcessId.of(pid) if command_of(pid) == _COMMAND else None


def _recorded(server: EmbeddedPostgres) -> int:
    """The process id in the server's pid file, whoever has that number now; 0 if there is no such file."""
    try:
        return int((Path(server.layout.data) / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return 0
