"""Tells open pages of this process that something changed, so that they fetch it again."""

import asyncio
from collections.abc import AsyncIterator


class Feed:
    """Topics (`approvals`, `agents`, `policies`), coalesced: a page that is behind hears of each topic once."""

    def __init__(self) -> None:
        """Nobody listens yet."""
        self._changed: dict[asyncio.Event, set[str]] = {}
        self._is_closed = False

    def publish(self, topic: str) -> None:
        """Tell every open page."""
        for event, topics in self._changed.items():
            topics.add(topic)
            event.set()

    def close(self) -> None:
        """End every stream."""
        self._is_closed = True
        for event in self._changed:
            event.set()

    async def listen(self, heartbeat_seconds: float = 20.0) -> AsyncIterator[frozenset[str]]:
        """Sets of topics that changed since the last one; an empty set as heartbeat. Ends when the service stops."""
        event, topics = asyncio.Event(), set[str]()
        self._changed[event] = topics
        try:
            while not self._is_closed:
                try:
                    await asyncio.wait_for(event.wait(), heartbeat_seconds)
                except TimeoutError:
                    yield frozenset()
                    continue
                event.clear()
                changed = frozenset(topics)
                topics.clear()
                if changed:
                    yield changed
        finally:
            del self._changed[event]
