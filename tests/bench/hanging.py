"""Decisions while a directory accepts connections and says nothing, and people keep trying to sign in through it."""

import asyncio
import socket
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final
from urllib.parse import urlencode

from tests.bench.decisions import load
from tests.bench.figures import Figures
from tests.bench.installation import Installation, installed

BROWSERS: Final = 64
CLIENTS: Final = 32
PAIRS: Final = 6
SECONDS: Final = 3
# Far from what a machine can take, so that no queue of the load's own hides who waits for whom.
PAUSE_MS: Final = 50
_NAME: Final = "silent"
# To read the answer and to type the password again.
_BETWEEN_TRIES_SECONDS: Final = 3.0
_SETTLE_SECONDS: Final = 2.0


def measure() -> Figures:
    """p50 and p99 of decisions without and with the attempts, in turns; ratios of their medians."""
    with _silent() as (port, connections), installed(_settings(port)) as installation:
        load(installation, CLIENTS, 3, "7")  # warms caches and statistics; not counted
        browsers = Browsers(installation.port)
        figures: Figures = {"browsers": BROWSERS}
        for name, pause_ms in (("at_fixed_rate", PAUSE_MS), ("at_full_load", 0)):
            figures[name] = _pairs(installation, browsers, pause_ms)
        figures["attempts"] = {
            "answers": {str(status): number for status, number in sorted(browsers.answers.items())},
            "connections_that_hung": len(connections),
        }
    return figures


def _pairs(installation: Installation, browsers: "Browsers", pause_ms: int) -> Figures:
    """Without and with, in turns, so that whatever else the machine does falls on both."""
    alone, beside = list[Figures](), list[Figures]()
    for number in range(PAIRS):
        alone.append(load(installation, CLIENTS, SECONDS, f"5{pause_ms}{number}0", pause_ms=pause_ms))
        with browsers.trying():
            beside.append(load(installation, CLIENTS, SECONDS, f"5{pause_ms}{number}1", pause_ms=pause_ms))
    without, during = _medians(alone), _medians(beside)
    ratios = {f"ratio_{name}": round(during[name] / without[name], 3) for name in without}
    return {"without": without, "during": during, **ratios, "rounds": [alone, beside]}


def _medians(rounds: list[Figures]) -> Figures:
    return {
        "per_second": round(statistics.median(each["replies"] / each["duration_us"] * 1e6 for each in rounds), 1),
        "p50_ms": round(statistics.median(each["p50_us"] for each in rounds) / 1000, 2),
        "p99_ms": round(statistics.median(each["p99_us"] for each in rounds) / 1000, 2),
    }


def _settings(port: int) -> dict[str, str]:
    """A directory at that port which is tried again at once; and nobody is turned away for the number of attempts."""
    described = {
        "KIND": "ldap",
        "URLS": f"ldaps://localhost:{port}",
        "BIND_DN": "cn=reader,dc=example",
        "BIND_PASSWORD": "reads everything",
        "USER_BASE": "dc=example",
        "COOL_DOWN_SECONDS": "1",
    }
    named = {f"LEASH_DIRECTORIES__{_NAME.upper()}__{name}": value for name, value in described.items()}
    return {**named, "LEASH_API__SIGN_IN_ATTEMPTS_PER_MINUTE": "1000"}


@contextmanager
def _silent() -> Iterator[tuple[int, list[socket.socket]]]:
    """A port that accepts every connection and never says a word."""
    connections: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:

        def accept() -> None:
            with suppress(OSError):  # the end: the listener was closed
                while True:
                    connections.append(listener.accept()[0])

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield listener.getsockname()[1], connections
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for each in connections:
                each.close()


class Browsers:
    """People who try to sign in, wait for the answer, and try again a few seconds later."""

    def __init__(self, port: int) -> None:
        """`port` is the installation's."""
        self._port = port
        self._is_over = threading.Event()
        self.answers: Counter[int] = Counter()

    @contextmanager
    def trying(self) -> Iterator[None]:
        """All of them keep trying, in a thread of their own, from a moment before to the end."""
        thread = threading.Thread(target=lambda: asyncio.run(self._all()), daemon=True)
        self._is_over.clear()
        thread.start()
        time.sleep(_SETTLE_SECONDS)
        try:
            yield
        finally:
            self._is_over.set()
            thread.join()

    async def _all(self) -> None:
        tries = [asyncio.create_task(self._try(number)) for number in range(BROWSERS)]
        await asyncio.to_thread(self._is_over.wait)
        for each in tries:
            each.cancel()
        await asyncio.wait(tries)

    async def _try(self, number: int) -> None:
        await asyncio.sleep(_BETWEEN_TRIES_SECONDS * number / BROWSERS)  # people do not press a button at once
        body = urlencode({"user": f"person{number}", "password": "not told", "next": "/"}).encode()
        own = f"http://127.0.0.1:{self._port}"
        head = (
            f"POST /sign-in/directory/{_NAME} HTTP/1.1\r\nhost: 127.0.0.1:{self._port}\r\norigin: {own}\r\n"
            "sec-fetch-site: same-origin\r\ncontent-type: application/x-www-form-urlencoded\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        ).encode()
        while True:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            writer.write(head + body)
            reply = await reader.read()
            writer.close()
            self.answers[int(reply.split(b" ", 2)[1])] += 1
            await asyncio.sleep(_BETWEEN_TRIES_SECONDS)
