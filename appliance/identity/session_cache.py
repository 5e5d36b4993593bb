"""Sessions that this process has seen a moment ago."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from appliance.identity.records import SignedIn

LARGEST: Final = 10_000


class _Seen(NamedTuple):
    signed_in: SignedIn
    since: datetime
    until: datetime


class SessionCache:
    """Answers for a session for `seconds` at most, and never after the cache was emptied."""

    def __init__(self, seconds: float) -> None:
        """Empty."""
        self._life = timedelta(seconds=seconds)
        self._seen: dict[bytes, _Seen] = {}
        self.generation = 0

    def get(self, token_hash: bytes, now: datetime) -> SignedIn | None:
        """The session, if it was seen just now; a clock that went back counts as never."""
        seen = self._seen.get(token_hash)
        return seen.signed_in if seen and seen.since <= now < seen.until else None

    def put(self, token_hash: bytes, signed_in: SignedIn, now: datetime, ends_at: datetime, generation: int) -> None:
        """Keep what was read while `generation` was current; a change since then makes it worthless."""
        if generation != self.generation:
            return
        if len(self._seen) >= LARGEST:
            self._seen.clear()
        self._seen[token_hash] = _Seen(signed_in, now, min(now + self._life, ends_at))

    def clear(self) -> None:
        """Forget everything, also what is being read at this moment."""
        self.generation += 1
        self._seen.clear()
