"""How long a refused sign-in takes: equally long, whoever it is about and however far it got."""

import math
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

FLOOR_SECONDS: Final = 0.25
_REMEMBERED: Final = 100
_SHARE: Final = 0.95


class Pace:
    """Refusals wait until a moment that depends on what attempts took lately, and not on this one.

    The moment is where nearly all attempts that went the whole way were done. One that takes longer waits for a
    multiple of it, so that its own length shows no more than which one.
    """

    def __init__(
        self,
        *,
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        floor_seconds: float = FLOOR_SECONDS,
    ) -> None:
        """Until something has been learned, `floor_seconds` it is, which covers a directory in the next room."""
        self._monotonic = monotonic
        self._sleep = sleep
        self._floor = floor_seconds
        self._taken: deque[float] = deque(maxlen=_REMEMBERED)

    @property
    def seconds(self) -> float:
        """How long a refusal takes now."""
        if not self._taken:
            return self._floor
        ordered = sorted(self._taken)
        return max(self._floor, ordered[math.ceil(_SHARE * len(ordered)) - 1])

    def start(self) -> float:
        """The moment at which an attempt begins."""
        return self._monotonic()

    def learn(self, started: float) -> None:
        """Remember how long an attempt took that went the whole way."""
        self._taken.append(self._monotonic() - started)

    async def even_out(self, started: float) -> None:
        """Wait until the attempt has taken as long as all others do."""
        whole = self.seconds
        steps = max(1, math.ceil((self._monotonic() - started) / whole))
        while (left := started + steps * whole - self._monotonic()) > 0:
            await self._sleep(left)
