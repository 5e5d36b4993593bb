"""Hashing: a bounded number at a time, and the same work whether or not there is anything to compare with."""

import asyncio

import pytest

from appliance.identity.errors import SignInBusyError
from appliance.identity.passwords import Cost, Passwords
from tests.appliance.identity.conftest import CHEAP


async def test_a_password_fits_its_own_hash_alone() -> None:
    """Each hash is another one, and nothing fits a missing or a broken hash."""
    passwords = Passwords(CHEAP)
    one, other = await passwords.hash("correct horse"), await passwords.hash("correct horse")
    assert one != other
    assert await passwords.is_match(one, "correct horse")
    for stored, password in ((one, "wrong"), (one, None), (one, ""), (None, "nobody's password"), ("$x$", "wrong")):
        assert not await passwords.is_match(stored, password)
    assert passwords.verifications == 6
    assert not passwords.is_outdated(one)
    assert Passwords(Cost(passes=2, memory_kib=8, lanes=1)).is_outdated(one)
    passwords.close()


async def test_a_flood_is_turned_away_before_it_takes_the_memory() -> None:
    """Of eight at once, one is worked on, one waits, and six are told to come later; then there is room again."""
    passwords = Passwords(CHEAP, at_once=1, waiting=1)
    done = await asyncio.gather(*(passwords.hash("correct horse") for _ in range(8)), return_exceptions=True)
    assert [type(each) for each in done] == [str, str, *[SignInBusyError] * 6]
    assert await passwords.hash("correct horse")
    passwords.close()


async def test_whoever_gives_up_waiting_makes_room() -> None:
    """A cancelled caller neither blocks a slot nor a place in the queue."""
    passwords = Passwords(CHEAP, at_once=1, waiting=1)
    await passwords._slots.acquire()
    waiting = asyncio.create_task(passwords.hash("correct horse"))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    passwords._slots.release()
    assert await asyncio.gather(*(passwords.hash("correct horse") for _ in range(2)))
    passwords.close()
