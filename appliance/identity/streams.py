"""Open streams of people: each ends with the session that opened it, and knows what its reader may do."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import structlog

from appliance.clock import Clock
from appliance.database.connection import UNREACHABLE
from appliance.database.errors import DatabaseError
from appliance.feed import Feed, Subscription
from appliance.identity.records import Reader, SignedIn
from appliance.identity.rules import Permission, is_permitted
from appliance.identity.sessions import Sessions
from appliance.wakening import Wakening

# How late a session that merely ran out ends its streams; one that was ended does it at once.
CHECK_SECONDS: Final = 10.0
REST_SECONDS: Final = 0.5
Stream = Subscription[Reader]
log = structlog.get_logger(__name__)


class Streams:
    """The streams of this process; one look at the database concerns all of them together."""

    def __init__(self, feed: Feed[Reader], sessions: Sessions, clock: Clock) -> None:
        """None is open."""
        self._feed = feed
        self._sessions = sessions
        self._clock = clock
        self._tokens: dict[Stream, str] = {}
        self._people = set[str]()
        self._wakening = Wakening(self._check_changed)
        self._watching: asyncio.Task[None] | None = None

    @contextmanager
    def opened(self, signed_in: SignedIn, token: str, topics: frozenset[str]) -> Iterator[Stream]:
        """A stream for as long as the block runs; it closes when the token is worth nothing any more.

        Raises:
            StreamsTooManyError: the session has as many open as it may.
        """
        with self._feed.subscribed(signed_in, topics, holder=signed_in.session_id) as stream:
            self._tokens[stream] = token
            try:
                yield stream
            finally:
                del self._tokens[stream]

    def people_changed(self, payload: str) -> None:
        """Sessions or rights of this person have changed; of anybody, if it is empty."""
        if self._tokens:
            self._people.add(payload)
            self._wakening.wake(payload)

    async def start(self) -> None:
        """Begin to watch."""
        await self._wakening.start()
        self._watching = asyncio.create_task(self._watch(), name="streams")

    async def stop(self) -> None:
        """End."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await self._wakening.stop()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            await self._check(list(self._tokens))

    async def _check_changed(self) -> None:
        people, self._people = self._people, set()
        concerned = [each for each in self._tokens if "" in people or _person(each.who) in people]
        if not await self._check(concerned):
            self._people |= people  # nobody may notify us again
        await asyncio.sleep(REST_SECONDS)
        if self._people:
            self._wakening.wake("")

    async def _check(self, streams: list[Stream]) -> bool:
        """Close those whose session has ended; the others learn what their people may do now. False if unknown."""
        if not streams:
            return True
        tokens = {stream: self._tokens[stream] for stream in streams}
        try:
            live = await self._sessions.live_among(set(tokens.values()), self._clock())
        except (*UNREACHABLE, DatabaseError) as problem:
            log.warning("streams.not_checked", problem=str(problem))
            return False
        for stream, token in tokens.items():
            now = live.get(token)
            if now is None:
                stream.close()
            elif _rights(now) != _rights(stream.who):
                stream.who = now
                stream.tell(stream.topics)  # another list than before may be theirs to see
        return True


def holding(permission: Permission) -> Callable[[Reader], bool]:
    """Whether somebody holds the permission: for topics that concern everybody who does."""
    return lambda reader: isinstance(reader, SignedIn) and is_permitted(reader.roles, permission)


def _person(reader: Reader) -> str:
    return str(reader.person_id) if isinstance(reader, SignedIn) else ""


def _rights(reader: Reader) -> object:
    return (reader.roles, reader.scoped, reader.groups) if isinstance(reader, SignedIn) else None
