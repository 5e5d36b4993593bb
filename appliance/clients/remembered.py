"""Numbers that cost a month's reading, remembered for a while: clients ask for them every 15 seconds."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from appliance.clients.queries import session_spans
from appliance.clients.records import SessionSpans, Viewer

KEPT: Final = timedelta(minutes=5)
VIEWERS_MAX: Final = 5_000


class _Kept(NamedTuple):
    spans: SessionSpans
    until: datetime


class RememberedSpans:
    """The lengths of conversations of each viewer of this process, at most five minutes old."""

    def __init__(self, load: Callable[[Viewer, datetime], Awaitable[SessionSpans]] = session_spans) -> None:
        """Nothing is known yet."""
        self._load = load
        self._kept: dict[object, _Kept] = {}

    async def of(self, viewer: Viewer, now: datetime) -> SessionSpans:
        """The viewer's."""
        key = (viewer.person_id, viewer.machine_id)
        known = self._kept.get(key)
        if known is not None and now < known.until <= now + KEPT:
            return known.spans
        spans = await self._load(viewer, now)
        if len(self._kept) >= VIEWERS_MAX:
            self._kept.clear()
        self._kept[key] = _Kept(spans, now + KEPT)
        return spans
