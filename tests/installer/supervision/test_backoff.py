"""How long a process that ended waits for its next start."""

import pytest

from installer.supervision.backoff import FIRST_SECONDS, LONGEST_SECONDS, delay_after


@pytest.mark.parametrize("exit_code", [0, -9, -15])
def test_whoever_was_killed_comes_back_at_once(exit_code: int) -> None:
    """Also for the hundredth time, and also if it had waited before."""
    assert delay_after(0.0, lived_seconds=1.0, exit_code=exit_code) == 0
    assert delay_after(3.2, lived_seconds=1.0, exit_code=exit_code) == 0


def test_whoever_fails_waits_longer_each_time_and_never_too_long() -> None:
    """The waits double from the first to the longest."""
    waits, delay = [], 0.0
    for _ in range(8):
        delay = delay_after(delay, lived_seconds=1.0, exit_code=69)
        waits.append(delay)
    assert waits[0] == FIRST_SECONDS
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_SECONDS


def test_a_process_that_dies_at_its_birth_waits_however_it_ends() -> None:
    """Else a program that crashes at once would be started hundreds of times a second."""
    assert delay_after(0.0, lived_seconds=0.01, exit_code=-11) == FIRST_SECONDS


def test_a_long_life_forgives_a_failure() -> None:
    """What ended it then has nothing to do with starting."""
    assert delay_after(5.0, lived_seconds=3600, exit_code=1) == 0
