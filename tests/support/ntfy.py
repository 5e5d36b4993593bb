"""A real ntfy server on loopback, with a folder of its own, whose topics want a token."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from installer.setup.ntfy import PROGRAM
from tests.support.processes import free_port

_READY_SECONDS = 20
_CONFIG = """
listen-http: "127.0.0.1:{port}"
base-url: "http://127.0.0.1:{port}"
cache-file: "{folder}/cache.db"
auth-file: "{folder}/users.db"
auth-default-access: "deny-all"
"""


class Ntfy:
    """A server that runs; `token` lets its holder publish and read."""

    def __init__(self, url: str, token: str) -> None:
        """Where it is."""
        self.url = url
        self.token = token

    def messages(self, topic: str) -> list[dict[str, Any]]:
        """What was published to a topic."""
        headers = {"authorization": f"Bearer {self.token}"}
        reply = httpx.get(f"{self.url}/{topic}/json?poll=1", headers=headers)
        assert reply.status_code == 200, reply.text
        lines = [httpx.Response(200, text=line).json() for line in reply.text.splitlines()]
        return [line for line in lines if line["event"] == "message"]


@contextmanager
def ntfy_server(folder: Path) -> Iterator[Ntfy]:
    """The server, gone afterwards."""
    port, config = free_port(), folder / "server.yml"
    config.write_text(_CONFIG.format(port=port, folder=folder))
    with (folder / "ntfy.log").open("wb") as log:
        server = subprocess.Popen([PROGRAM, "serve", "--config", config], stdout=log, stderr=log)  # noqa: S603 - our own words
        try:
            _wait(port, folder / "ntfy.log")
            _command(config, "user", "add", "--role=admin", "phone", NTFY_PASSWORD="a password")
            said = _command(config, "token", "add", "phone")
            yield Ntfy(f"http://127.0.0.1:{port}", next(word for word in said.split() if word.startswith("tk_")))
        finally:
            server.terminate()
            server.wait(10)


def _command(config: Path, group: str, verb: str, *words: str, **environ: str) -> str:
    """What a command of ntfy says; it says it where errors go."""
    done = subprocess.run(  # noqa: S603 - our own words
        [PROGRAM, group, "--config", config, verb, *words], env=environ, capture_output=True, text=True, check=True
    )
    return done.stdout + done.stderr


def _wait(port: int, log: Path) -> None:
    end = time.monotonic() + _READY_SECONDS
    while time.monotonic() < end:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/v1/health").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(log.read_text())
