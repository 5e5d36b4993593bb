"""Tells open streams of this process that something changed, so that whoever has them open fetches it again."""

import asyncio
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Final, Generic, TypeVar

from appliance.errors import LeashError

WINDOW_SECONDS: Final = 0.25
HEARTBEAT_SECONDS: Final = 20.0
OPEN_MAX: Final = 32
Who = TypeVar("Who")


class StreamsTooManyError(LeashError):
    """One session holds as many streams open as it may."""

    code = "streams_too_many"
    summary = "This session has too many streams open"
    next_step = "Close some of the pages or apps that use it, then try again."


class Subscription(Generic[Who]):
    """One open stream: of whom, and the topics that it has not been told of yet, each once.

    Attributes:
        who: whoever reads it, with the rights of this moment; whoever watches rights replaces it.
        topics: what it wants to hear of.
        is_closed: nothing more comes.
    """

    __slots__ = ("_behind", "_free_at", "_window", "_woken", "is_closed", "topics", "who")

    def __init__(self, who: Who, topics: frozenset[str], window_seconds: float) -> None:
        """Up to date."""
        self.who = who
        self.topics = topics
        self.is_closed = False
        self._behind = set[str]()
        self._woken = asyncio.Event()
        self._window = window_seconds
        self._free_at = 0.0

    def tell(self, topics: frozenset[str]) -> None:
        """Let it hear of those of the topics that it wants."""
        wanted = topics & self.topics
        if wanted:
            self._behind |= wanted
            self._woken.set()

    def close(self) -> None:
        """End it."""
        self.is_closed = True
        self._woken.set()

    async def changed(self, heartbeat_seconds: float = HEARTBEAT_SECONDS) -> frozenset[str] | None:
        """What changed since the last time; empty as a heartbeat, None when the stream is closed.

        The first change comes at once; whatever follows within a window comes together when that is over.
        """
        if not self._woken.is_set():
            try:
                async with asyncio.timeout(heartbeat_seconds):
                    await self._woken.wait()
            except TimeoutError:
                return None if self.is_closed else frozenset()
        loop = asyncio.get_running_loop()
        if not self.is_closed and (pause := self._free_at - loop.time()) > 0:
            await asyncio.sleep(pause)
        if self.is_closed:
            return None
        self._free_at = loop.time() + self._window
        self._woken.clear()
        changed = frozenset(self._behind)
        self._behind.clear()
        return changed


class Feed(Generic[Who]):
    """Every open stream of this process."""

    def __init__(self, window_seconds: float = WINDOW_SECONDS) -> None:
        """Nobody listens yet."""
        self._window = window_seconds
        self._open: dict[Subscription[Who], Hashable] = {}
        self._of: Counter[Hashable] = Counter()
        self._is_closed = False

    def __iter__(self) -> Iterator[Subscription[Who]]:
        """The streams that are open now."""
        return iter(tuple(self._open))

    def __len__(self) -> int:
        """How many there are."""
        return len(self._open)

    def publish(self, topic: str, concerns: Callable[[Who], bool] | None = None) -> None:
        """Tell every stream, or those of whom it concerns."""
        told = frozenset({topic})
        for subscription in self._open:
            if topic in subscription.topics and (concerns is None or concerns(subscription.who)):
                subscription.tell(told)

    def close(self) -> None:
        """End every stream."""
        self._is_closed = True
        for subscription in self._open:
            subscription.close()

    @contextmanager
    def subscribed(self, who: Who, topics: frozenset[str], *, holder: Hashable) -> Iterator[Subscription[Who]]:
        """A stream for as long as the block runs; after the end of the service it is closed from the beginning.

        Args:
            who: whoever reads it.
            topics: what it wants to hear of.
            holder: whose OPEN_MAX it counts against: a session.

        Raises:
            StreamsTooManyError: the holder has as many already.
        """
        if self._of[holder] >= OPEN_MAX:
            raise StreamsTooManyError
        subscription = Subscription(who, topics, self._window)
        self._open[subscription] = holder
        self._of[holder] += 1
        if self._is_closed:
            subscription.close()
        try:
            yield subscription
        finally:
            del self._open[subscription]
            self._of[holder] -= 1
            if not self._of[holder]:
                del self._of[holder]
