"""Open streams hear which topics changed, each once, and end when the service does."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from appliance.feed import OPEN_MAX, Feed, StreamsTooManyError, Subscription

Opened = Subscription[str]
TOPICS = frozenset({"approvals", "agents", "policies"})


@pytest.fixture
def streams() -> Iterator[ExitStack]:
    """Streams that end with the test."""
    with ExitStack() as stack:
        yield stack


def opened(streams: ExitStack, feed: Feed[str], who: str = "ida", topics: frozenset[str] = TOPICS) -> Opened:
    return streams.enter_context(feed.subscribed(who, topics, holder=who))


async def heard(stream: Opened) -> set[str] | None:
    changed = await asyncio.wait_for(stream.changed(), 2)
    return None if changed is None else set(changed)


async def test_every_open_stream_hears_of_a_change(streams: ExitStack) -> None:
    """By its topic, if that is one that it wants."""
    feed = Feed[str]()
    both, one = opened(streams, feed), opened(streams, feed, topics=frozenset({"agents"}))
    feed.publish("approvals")
    feed.publish("agents")
    assert await heard(both) == {"approvals", "agents"}
    assert await heard(one) == {"agents"}


async def test_only_those_whom_it_concerns_hear_of_it(streams: ExitStack) -> None:
    """Others are not even woken: when something happens to somebody else is nobody's business."""
    feed = Feed[str]()
    ida, mia = opened(streams, feed, "ida"), opened(streams, feed, "mia")
    feed.publish("approvals", lambda who: who == "ida")
    assert await heard(ida) == {"approvals"}
    assert await mia.changed(heartbeat_seconds=0.01) == frozenset()


async def test_a_burst_is_two_events(streams: ExitStack) -> None:
    """The first change comes at once, the other 199 together when the window is over."""
    feed = Feed[str](window_seconds=0.2)
    stream = opened(streams, feed)
    began = time.monotonic()
    feed.publish("approvals")
    assert await heard(stream) == {"approvals"}
    assert time.monotonic() - began < 0.15
    for _ in range(100):
        feed.publish("approvals")
        feed.publish("agents")
    assert await heard(stream) == {"approvals", "agents"}
    assert time.monotonic() - began >= 0.2
    assert await stream.changed(heartbeat_seconds=0.3) == frozenset()


async def test_a_quiet_stream_beats(streams: ExitStack) -> None:
    """An empty set now and then, so that proxies keep the connection."""
    stream = opened(streams, Feed[str]())
    assert await stream.changed(heartbeat_seconds=0.01) == frozenset()
    assert await stream.changed(heartbeat_seconds=0.01) == frozenset()


async def test_a_closed_stream_is_forgotten() -> None:
    """Nothing grows with every visit."""
    feed = Feed[str]()
    with feed.subscribed("ida", TOPICS, holder="ida"):
        assert len(feed) == 1
    assert len(feed) == 0
    assert not feed._of


async def test_nobody_holds_more_streams_than_they_may(streams: ExitStack) -> None:
    """One session cannot take the memory of all; another one still gets its stream."""
    feed = Feed[str]()
    for _ in range(OPEN_MAX):
        opened(streams, feed, "ida")
    with pytest.raises(StreamsTooManyError), feed.subscribed("ida", TOPICS, holder="ida"):
        pass
    opened(streams, feed, "mia")


async def test_a_stop_ends_every_stream_and_new_ones_at_once(streams: ExitStack) -> None:
    """No page keeps the service from stopping, whether its stream waits, or waits for its window."""
    feed = Feed[str](window_seconds=0.1)
    waiting, pausing = opened(streams, feed), opened(streams, feed)
    first = asyncio.create_task(heard(waiting))
    pausing.tell(TOPICS)
    await heard(pausing)
    pausing.tell(TOPICS)
    second = asyncio.create_task(heard(pausing))
    await asyncio.sleep(0.01)
    feed.close()
    assert (await first, await second) == (None, None)
    assert await heard(opened(streams, feed)) is None
