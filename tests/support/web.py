"""A client of the application in the test's own event loop, where its database connections live.

Litestar's test clients run the application in a loop of another thread, which a pool of this one cannot serve.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import httpx
from litestar import Litestar

CLIENT_ADDRESS = "192.0.2.7"


class WebClient(httpx.AsyncClient):
    """An HTTP client that speaks to `app` without a network."""

    def __init__(self, app: Litestar, base_url: str, *, address: str = CLIENT_ADDRESS) -> None:
        """`address` is where the requests seem to come from."""
        self.app = app
        transport = httpx.ASGITransport(cast("Any", app), raise_app_exceptions=False, client=(address, 50_000))
        super().__init__(transport=transport, base_url=base_url)


@asynccontextmanager
async def running(app: Litestar, base_url: str) -> AsyncIterator[WebClient]:
    """The application with its lifespan, and a client of it."""
    async with _lifespan(app), WebClient(app, base_url) as client:
        yield client


@asynccontextmanager
async def _lifespan(app: Litestar) -> AsyncIterator[None]:
    """In a task of its own: Litestar wants to end where it began, while fixtures begin and end in different tasks."""
    ready, ending = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with app.lifespan():
            ready.set()
            await ending.wait()

    task = asyncio.create_task(live())
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if task.done():
        await task
    try:
        yield
    finally:
        ending.set()
        await task
