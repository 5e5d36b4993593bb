"""Numbers that cost the reading of many days, remembered for a while: clients ask for them again and again."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final, Generic, NamedTuple, TypeVar

from appliance.clients.records import Viewer

SPANS_KEPT: Final = timedelta(minutes=5)
TALLIES_KEPT: Final = timedelta(seconds=10)
VIEWERS_MAX: Final = 5_000
Numbers = TypeVar("Numbers")


class _Kept(NamedTuple, Generic[Numbers]):
    numbers: Numbers
    until: datetime


class Remembered(Generic[Numbers]):
    """Numbers of each viewer of this process, at most `kept` old."""

    def __init__(self, load: Callable[[Viewer, datetime], Awaitable[Numbers]], kept: timedelta) -> None:
        """Nothing is known yet; `load` reads the numbers as of a moment."""
        self._load = load
        self._age = kept
        self._kept: dict[object, _Kept[Numbers]] = {}

    async def of(self, viewer: Viewer, now: datetime) -> Numbers:
        """The viewer's."""
        key = (viewer.person_id, viewer.machine_id)
        known = self._kept.get(key)
        if known is not None and now < known.until <= now + self._age:
            return known.numbers
        numbers = await self._load(viewer, now)
        if len(self._kept) >= VIEWERS_MAX:
            self._kept.clear()
        self._kept[key] = _Kept(numbers, now + self._age)
        return numbers
