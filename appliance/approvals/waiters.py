"""Held hook calls of this process, woken by what any process commits (LISTEN/NOTIFY), never by polling."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from appliance.approvals.errors import ApprovalError


class ShuttingDownError(ApprovalError):
    """The service stops; held calls are answered first."""

    code = "shutting_down"
    summary = "The service is restarting"
    next_step = "The ask stays open: repeat the same call in a minute."


class Waiters:
    """Wakes whoever waits for an ask to change."""

    def __init__(self) -> None:
        """Nobody waits yet."""
        self._events: dict[UUID, set[asyncio.Event]] = {}
        self._is_closed = False

    @property
    def count(self) -> int:
        """Held calls now."""
        return sum(len(events) for events in self._events.values())

    def held(self, ask_id: UUID) -> int:
        """Calls that wait for this ask now."""
        return len(self._events.get(ask_id, ()))

    @contextmanager
    def join(self, ask_id: UUID) -> Iterator[asyncio.Event]:
        """An event that is set whenever the ask changes; join before reading the ask, so that nothing is missed."""
        event = asyncio.Event()
        self._events.setdefault(ask_id, set()).add(event)
        try:
            yield event
        finally:
            events = self._events.get(ask_id, set())
            events.discard(event)
            if not events:
                self._events.pop(ask_id, None)

    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        """Wait for the next change; False when the time is over.

        Raises:
            ShuttingDownError: the service stops.
        """
        if not self._is_closed and not event.is_set():
            try:
                await asyncio.wait_for(event.wait(), max(0.0, seconds))
            except TimeoutError:
                return False
        if self._is_closed:
            raise ShuttingDownError
        event.clear()
        return True

    def wake(self, payload: str) -> None:
        """Handler of the asks' channel: the payload is an ask's id; empty after a gap, which wakes everybody."""
        if not payload:
            for events in list(self._events.values()):
                for event in events:
                    event.set()
            return
        for event in self._events.get(UUID(payload), ()):
            event.set()

    def close(self) -> None:
        """Answer every held call now, because the service stops."""
        self._is_closed = True
        self.wake("")
