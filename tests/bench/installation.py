"""A real installation for the run: `leashctl up` in a state directory of its own, with one enrolled machine."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from appliance.config import Config, load
from appliance.database.connection import Connection, open_connection
from appliance.database.embedded import EmbeddedPostgres

# One token stands for a whole organisation here, so the limits per machine are out of the way; nothing else differs
# from the defaults.
RAISED = {
    "LEASH_HOOKS__REQUESTS_PER_SECOND": "100000",
    "LEASH_HOOKS__BURST": "1000000",
    "LEASH_APPROVALS__PENDING_MAX_PER_MACHINE": "10000",
}
READY_SECONDS = 90.0
_COMMAND = [sys.executable, "-P", "-m", "installer"]


class Installation:
    """The running processes and their addresses."""

    def __init__(self, state: Path, port: int, more: Mapping[str, str]) -> None:
        """`state` is empty; `port` is free; `more` are further settings."""
        self.port = port
        self.log = state.with_suffix(".log")
        self.environ = {
            **os.environ, **RAISED, **more,
            "LEASH_SERVER__PORT": str(port), "LEASH_STATE__DIRECTORY": str(state),
        }  # fmt: skip
        self.token = ""
        self._postgres = EmbeddedPostgres(state)
        self._up: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of `leashctl up`."""
        return self._up.pid if self._up else 0

    @property
    def data(self) -> Path:
        """PostgreSQL's data directory."""
        return Path(self._postgres.layout.data)

    @property
    def user(self) -> str | None:
        """The operating system user of PostgreSQL, if it is not ours."""
        return self._postgres.layout.user or None

    @property
    def socket(self) -> str:
        """The directory of PostgreSQL's socket."""
        return self._postgres.layout.socket

    @property
    def superuser_url(self) -> str:
        """For counting, and for the database beside ours that pgbench fills."""
        return self._postgres.superuser_url

    def program(self, name: str) -> str:
        """Path of a program of the embedded PostgreSQL."""
        return f"{self._postgres.layout.binaries}/bin/{name}"

    def config(self) -> Config:
        """What the processes run with."""
        return load(None, self.environ).config

    def start(self) -> None:
        """Start everything and enrol one machine."""
        with self.log.open("wb") as log:
            self._up = subprocess.Popen(  # noqa: S603 - our own command
                [*_COMMAND, "up"], env=self.environ, stdout=log, stderr=log, start_new_session=True
            )
        self._await_ready()
        deployment = self.leashctl("agents", "token", "create", "--name", "bench", "--json")["token"]
        asked = {"deploymentToken": deployment, "hostname": "bench", "platform": "linux"}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/v1/enroll",
            json.dumps(asked).encode(),
            {"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - our own loopback address
            self.token = json.load(answer)["token"]

    def _await_ready(self) -> None:
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end and self._up and self._up.poll() is None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
            try:
                connection.request("GET", "/health/ready")
                if connection.getresponse().status == http.HTTPStatus.OK:
                    return
            except OSError:
                pass  # it does not listen yet
            finally:
                connection.close()
            time.sleep(0.2)
        raise SystemExit("leashctl up did not become ready:\n" + self.log.read_text(errors="replace")[-2000:])

    def leashctl(self, *words: str) -> Any:  # noqa: ANN401 - any JSON
        """Run a command with `--json` among its words; its answer, whatever its exit code."""
        done = subprocess.run(  # noqa: S603 - our own command
            [*_COMMAND, *words], env=self.environ, capture_output=True, text=True, check=False
        )
        if not done.stdout.strip():
            raise SystemExit(f"leashctl {' '.join(words)} failed: {done.stderr[-1000:]}")
        return json.loads(done.stdout)

    def stop(self) -> None:
        """Stop the processes and delete the database."""
        if self._up and self._up.poll() is None:
            self._up.send_signal(signal.SIGINT)
            try:
                self._up.wait(30)
            except subprocess.TimeoutExpired:
                self._up.kill()
        self._postgres.remove()

    async def connect(self, database: str = "leash") -> Connection:
        """A connection as superuser."""
        base, _, query = self.superuser_url.partition("?")
        return await open_connection(f"{base.rpartition('/')[0]}/{database}?{query}")


@contextmanager
def installed(more: Mapping[str, str] | None = None) -> Iterator[Installation]:
    """An installation for the length of a run; `more` are settings beside those that are raised."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="leash-bench-") as folder:
        installation = Installation(Path(folder) / "state", port, more or {})
        try:
            installation.start()
            yield installation
        finally:
            installation.stop()
