"""The real processes `python -m server` and `python -m server.scheduler` on a test's database."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.postgres import TestDatabase
from tests.support.processes import free_port

START_SECONDS = 30.0


class Served:
    """One process, with everything that it has printed."""

    def __init__(self, module: str, place: Path, environ: Mapping[str, str], words: tuple[str, ...] = ()) -> None:
        """Start it; `place` is where its output goes."""
        self.output = place / f"{module}-{time.monotonic_ns()}.log"
        with self.output.open("wb") as file:
            self.process = subprocess.Popen(  # noqa: S603 - our own modules
                [sys.executable, "-P", "-m", module, *words], stdout=file, stderr=file, env=dict(environ)
            )

    @property
    def said(self) -> str:
        """What it has printed."""
        return self.output.read_text(encoding="utf-8", errors="replace")

    async def until(self, text: str, seconds: float = START_SECONDS) -> None:
        """Wait until it has printed `text`."""
        end = time.monotonic() + seconds
        while text not in self.said:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < end, self.said
            await asyncio.sleep(0.02)

    async def ended(self, seconds: float = START_SECONDS) -> int:
        """Wait for its end; its exit code."""
        return await asyncio.to_thread(self.process.wait, seconds)


def environ_of(database: TestDatabase, place: Path, **settings: str) -> dict[str, str]:
    """The environment of a process on the test's database."""
    own = {
        "LEASH_DATABASE__SERVICE_URL": database.service_url,
        "LEASH_STATE__DIRECTORY": str(place / "state"),
        "LEASH_SERVER__PORT": str(free_port()),
    }  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LEASH_")}
    return {**kept, **own, **settings}


@asynccontextmanager
async def served(module: str, place: Path, environ: Mapping[str, str], *words: str) -> AsyncIterator[Served]:
    """A process that is gone afterwards."""
    running = Served(module, place, environ, words)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
        running.process.wait()
