"""Calls that wait for a person: one connection each, opened a few at a time, answered through another process."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from tests.bench.installation import Installation

# Opening is a transaction each; more at once than the pool has connections would only queue.
_AT_ONCE = 8
_WAIT_SECONDS = 30.0
_PENDING = "SELECT id, binding, summary FROM ask WHERE state = 'pending' AND summary LIKE $1"
_COUNT = "SELECT count(*) FROM ask WHERE state = 'pending' AND summary LIKE $1"


class Reply(NamedTuple):
    """When a held call got its answer (monotonic seconds, the same clock in every process), and the answer."""

    at: float
    body: Any


class HeldCall(NamedTuple):
    """A call that is held, and its ask."""

    ask_id: str
    binding: str
    reply: "asyncio.Task[Reply]"


class HeldCalls:
    """Held calls of one batch."""

    def __init__(self, installation: Installation, batch: str) -> None:
        """`batch` tells this batch's asks from others."""
        self._installation = installation
        self._batch = batch
        self._writers: list[asyncio.StreamWriter] = []
        self.calls: list[HeldCall] = []

    async def open(self, count: int) -> None:
        """Send `count` distinct calls that the starter pack asks about, and wait until each has its ask."""
        replies = {}
        database = await self._installation.connect()
        try:
            for number in range(count):
                branch = f"{self._batch}-{number:05d}"
                replies[branch] = await self._send(branch)
                if (number + 1) % _AT_ONCE == 0 or number + 1 == count:
                    await self._await_pending(database, number + 1)
            rows = await database.fetch(_PENDING, f"%{self._batch}-%")
        finally:
            await database.close()
        for row in rows:
            branch = row["summary"].split()[-1]
            self.calls.append(HeldCall(str(row["id"]), row["binding"], replies[branch]))

    async def _await_pending(self, database: Any, wanted: int) -> None:  # noqa: ANN401 - asyncpg.Connection
        end, rows = time.monotonic() + _WAIT_SECONDS, 0
        while time.monotonic() < end:
            rows = await database.fetchval(_COUNT, f"%{self._batch}-%")
            if rows >= wanted:
                return
            await asyncio.sleep(0.002)
        message = f"only {rows} of {wanted} calls are held"
        raise SystemExit(message)

    async def _send(self, branch: str) -> "asyncio.Task[Reply]":
        reader, writer = await asyncio.open_connection("127.0.0.1", self._installation.port)
        self._writers.append(writer)
        body = json.dumps({
            "session_id": "bench-held", "transcript_path": "/home/ada/.claude/t.jsonl", "cwd": "/src/billing",
            "permission_mode": "default", "hook_event_name": "PreToolUse", "tool_name": "Bash",
            "tool_input": {"command": f"git push --force origin {branch}"}, "tool_use_id": f"toolu_{branch}",
        }).encode()  # fmt: skip
        writer.write(
            f"POST /v1/hooks/claude/PreToolUse?user_token={self._installation.token} HTTP/1.1\r\n"
            f"host: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode()
            + body
        )
        return asyncio.create_task(_read(reader))

    async def close(self) -> None:
        """Hang up whatever is still held."""
        for writer in self._writers:
            writer.close()
        for call in self.calls:
            call.reply.cancel()
        await asyncio.gather(*(call.reply for call in self.calls), return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> Reply:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
    )
    body = await reader.readexactly(length)
    return Reply(time.monotonic(), json.loads(body))


@asynccontextmanager
async def held(installation: Installation, batch: str, count: int) -> AsyncIterator[HeldCalls]:
    """`count` held calls for the length of a measurement."""
    calls = HeldCalls(installation, batch)
    try:
        await calls.open(count)
        yield calls
    finally:
        await calls.close()


class Answering:
    """The process that answers: it has connections of its own, as another replica has."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """`process` runs tests.bench.answerer."""
        self._process = process

    async def allow(self, call: HeldCall) -> tuple[float, float]:
        """Allow one call: when the answer began, and when its commit was acknowledged (monotonic seconds)."""
        if self._process.stdin is None or self._process.stdout is None:
            raise SystemExit("the answering process has no pipes")
        self._process.stdin.write(json.dumps({"id": call.ask_id, "binding": call.binding}).encode() + b"\n")
        line = await self._process.stdout.readline()
        if not line:
            raise SystemExit("the answering process ended")
        told = json.loads(line)
        return told["began"], told["committed"]


@asynccontextmanager
async def answering(installation: Installation) -> AsyncIterator[Answering]:
    """The answering process, connected."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.answerer",
        env=installation.environ, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    if process.stdout is None or process.stdin is None or await process.stdout.readline() != b"ready\n":
        raise SystemExit("the answering process did not start")
    try:
        yield Answering(process)
    finally:
        process.stdin.close()
        await process.wait()
