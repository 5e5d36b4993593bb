"""An HTTP server that answers exactly what a test says, well-behaved or not."""

import asyncio
import contextlib
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Writer = asyncio.StreamWriter
Answer = Callable[[str, bytes, Writer], Awaitable[None]]


class Stub:
    """What it was asked."""

    def __init__(self, port: int) -> None:
        """Nothing yet."""
        self.port = port
        self.requests: list[str] = []


@asynccontextmanager
async def http_stub(answer: Answer, tls: ssl.SSLContext | None = None, *, port: int = 0) -> AsyncIterator[Stub]:
    """A server on 127.0.0.1; `answer` gets head and body of each request and writes what it likes."""
    stub = Stub(0)
    running = set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: Writer) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, ssl.SSLError):
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                stub.requests.append(head)
                length = re.search(r"(?i)^content-length: *(\d+)", head, re.MULTILINE)
                body = await reader.readexactly(int(length[1])) if length else b""
                await answer(head, body, writer)
        finally:
            running.discard(task)
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), 1)

    server = await asyncio.start_server(serve, "127.0.0.1", port, ssl=tls)
    stub.port = server.sockets[0].getsockname()[1]
    try:
        yield stub
    finally:
        server.close()
        left = tuple(running)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await server.wait_closed()


def reply(body: bytes = b"{}", status: str = "200 OK", **headers: str) -> Answer:
    """Always the same answer; `content_type` stands for Content-Type."""
    told = {"content-type": "application/json", "content-length": str(len(body)), "connection": "close"}
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in told.items())

    async def answer(_head: str, _body: bytes, writer: Writer) -> None:
        writer.write(f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body)
        await writer.drain()

    return answer
