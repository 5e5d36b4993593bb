"""How long to wait before a process that ended is started again."""

from typing import Final

FIRST_SECONDS: Final = 0.2
LONGEST_SECONDS: Final = 5.0
# A process that lived longer than this did start: what ended it then is no reason to wait.
SETTLED_SECONDS: Final = 10.0


def delay_after(previous_seconds: float, *, lived_seconds: float, exit_code: int) -> float:
    """Seconds to wait; `exit_code` is negative for a signal, as in `subprocess`.

    Whoever was killed comes back at once. Whoever ends by itself with a failure will most likely do so again, so
    each such end doubles the wait; it never gives up.
    """
    was_killed = exit_code <= 0 and lived_seconds > FIRST_SECONDS
    if was_killed or lived_seconds > SETTLED_SECONDS:
        return 0.0
    return min(max(2 * previous_seconds, FIRST_SECONDS), LONGEST_SECONDS)
