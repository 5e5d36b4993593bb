"""Open pages hear which topics changed, each once, and end when the service does."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from appliance.feed import Feed

Stream = AsyncIterator[frozenset[str]]


async def following(stream: Stream) -> frozenset[str]:
    return await asyncio.wait_for(anext(stream), 2)


async def opened(feed: Feed, heartbeat_seconds: float = 20) -> tuple[Stream, asyncio.Task[frozenset[str]]]:
    """A page that listens already, and its first change."""
    stream = feed.listen(heartbeat_seconds)
    first = asyncio.create_task(following(stream))
    await asyncio.sleep(0.005)
    return stream, first


async def test_every_open_page_hears_of_a_change() -> None:
    """By its topic."""
    feed = Feed()
    pages = [await opened(feed) for _ in range(3)]
    feed.publish("approvals")
    assert [await first for _, first in pages] == [{"approvals"}] * 3


async def test_a_page_that_is_behind_hears_of_each_topic_once() -> None:
    """A burst does not become a burst of requests."""
    feed = Feed()
    stream, first = await opened(feed)
    for _ in range(100):
        feed.publish("approvals")
        feed.publish("agents")
    assert await first == {"approvals", "agents"}
    feed.publish("policies")
    assert await following(stream) == {"policies"}


async def test_a_quiet_stream_beats() -> None:
    """An empty set now and then, so that proxies keep the connection."""
    stream, first = await opened(Feed(), heartbeat_seconds=0.01)
    assert await first == frozenset()
    assert await following(stream) == frozenset()


async def test_a_closed_page_is_forgotten() -> None:
    """Nothing grows with every visit."""
    feed = Feed()
    stream, first = await opened(feed)
    feed.publish("agents")
    await first
    await stream.aclose()  # type: ignore[attr-defined]
    assert feed._changed == {}


async def test_a_stop_ends_every_stream_and_new_ones_at_once() -> None:
    """No page keeps the service from stopping."""
    feed = Feed()
    _, first = await opened(feed)
    feed.close()
    with pytest.raises(StopAsyncIteration):
        await first
    assert [changed async for changed in feed.listen()] == []
    assert feed._changed == {}
