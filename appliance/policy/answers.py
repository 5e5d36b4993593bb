"""What Cedar has said of requests that look the same to the same policies: the answer depends on nothing else."""

from typing import Final, NamedTuple

import cedarpy

from appliance.actions.records import Verdict

_KEPT: Final = 8_192
_VERDICTS_KEPT: Final = 512
# Longer contexts hold a command line or many paths: they will not come again, and must not fill the memory.
_CHARACTERS_MAX: Final = 512

# Number of the slice, principal, action, resource, and the context as Cedar reads it.
Key = tuple[int, str, str, str, bytes]


class CedarAnswer(NamedTuple):
    """Cedar's decision; an error in any policy is told, never passed over.

    Attributes:
        decision: as Cedar gives it.
        positions: of the policies that made it, in the order of the text.
        errors: Cedar's sentences.
    """

    decision: cedarpy.Decision
    positions: tuple[int, ...]
    errors: tuple[str, ...]


class CedarAnswers:
    """Answers of one policy version, in bounded memory."""

    __slots__ = ("_allowed", "_kept")

    def __init__(self) -> None:
        self._kept: dict[Key, CedarAnswer] = {}
        self._allowed: dict[tuple[int, ...], Verdict] = {}

    def get(self, key: Key) -> CedarAnswer | None:
        """The answer to the same question, if it is kept."""
        return self._kept.get(key)

    def keep(self, key: Key, answer: CedarAnswer) -> CedarAnswer:
        """Keep an answer, unless its question is long, and give it back."""
        if len(key[3]) + len(key[4]) <= _CHARACTERS_MAX:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept[key] = answer
        return answer

    def allowed(self, positions: tuple[int, ...]) -> Verdict | None:
        """The verdict that these policies allow, if it is kept: few sets of policies allow all that is allowed."""
        return self._allowed.get(positions)

    def keep_allowed(self, positions: tuple[int, ...], verdict: Verdict) -> Verdict:
        """Keep what an allow by these policies reads like, and give it back."""
        if len(self._allowed) >= _VERDICTS_KEPT:
            self._allowed.clear()
        self._allowed[positions] = verdict
        return verdict

    def forget(self) -> None:
        """Ask Cedar anew from now on: for measuring it."""
        self._kept.clear()
        self._allowed.clear()
