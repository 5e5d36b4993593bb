"""Token buckets, one per key, in bounded memory."""

import math
from typing import Final

LARGEST: Final = 50_000


class Buckets:
    """Lets each key send `burst` requests at once and `per_second` in the long run (GCRA).

    Per key only the moment is kept at which its bucket will be full again: a full bucket needs no memory.
    """

    def __init__(self, per_second: float, burst: int) -> None:
        """Every bucket is full."""
        self._interval = 1 / per_second
        self._tolerance = burst / per_second
        self._full_at: dict[object, float] = {}

    def admit(self, key: object, now: float) -> bool:
        """Take one token, or refuse; `now` is in seconds of any steady clock."""
        full_at = self._full_at.get(key, now)
        full_at = max(full_at, now)
        full_at += self._interval
        if full_at - now > self._tolerance:
            return False
        if len(self._full_at) >= LARGEST and key not in self._full_at:
            self._make_room(now)
        self._full_at[key] = full_at
        return True

    def wait_seconds(self, key: object, now: float) -> int:
        """Whole seconds until the key is admitted again."""
        full_at = max(self._full_at.get(key, now), now) + self._interval
        return max(1, math.ceil(full_at - now - self._tolerance))

    def _make_room(self, now: float) -> None:
        """Forget full buckets; if none is, the older half: somebody fills the memory with keys."""
        self._full_at = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        if len(self._full_at) >= LARGEST:
            self._full_at = dict(list(self._full_at.items())[LARGEST // 2 :])
