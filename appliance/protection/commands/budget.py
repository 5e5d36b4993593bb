"""How much is spent on one action: a hostile text must not hold the decision road."""

import time
from collections.abc import Callable
from typing import Final

MOST_STEPS: Final = 12_000
MOST_CHARACTERS: Final = 262_144
# A thousand times what an ordinary line takes; processor time, so that a busy machine changes nothing. It is looked at
# only where much has been done already: a garbage collection must not make an ordinary line too large.
MOST_SECONDS: Final = 0.2
UNTIMED_STEPS: Final = 1_024


class SpentError(Exception):
    """The action is larger than what is judged."""


class Budget:
    """Counts steps, characters and processor time of one action."""

    __slots__ = ("_characters", "_clock", "_deadline", "_steps")

    def __init__(self, clock: Callable[[], float] = time.thread_time) -> None:
        self._clock = clock
        self._deadline = clock() + MOST_SECONDS
        self._steps = 0
        self._characters = 0

    def step(self) -> None:
        """Count one step; raise SpentError beyond the limit."""
        self._steps += 1
        if self._steps > UNTIMED_STEPS and (self._steps > MOST_STEPS or (self._steps % 16 == 0 and self.is_late())):
            raise SpentError

    def take(self, characters: int) -> None:
        """Count characters that are to be parsed; raise SpentError beyond the limit."""
        self._characters += characters
        if self._characters > MOST_CHARACTERS:
            raise SpentError

    def is_late(self) -> bool:
        """Tell whether the processor time is used up."""
        return self._clock() > self._deadline
