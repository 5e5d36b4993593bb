"""How long a refused sign-in by a directory takes: nobody can tell by it whether a name exists."""

import asyncio
import random
import statistics
import sys
import time

import pytest

from appliance.identity.directories.errors import DirectorySignInRefusedError
from appliance.identity.external import ExternalSignIns
from appliance.identity.pace import Pace
from appliance.identity.records import Origin
from appliance.identity.service import Identity
from tests.support.directories import of_slapds
from tests.support.directory_sign_in import CountingDirectory, StillTime, sign_ins
from tests.support.people import NOW
from tests.support.slapd import person, slapd

TRIES = 1000
AT_ONCE = 20
APART_MS = 5.0
# Each is tried twice, which is fewer than it takes to lock an account.
PEOPLE = [f"ida{number}" for number in range(TRIES // 2)]
NOBODY = [f"bob{number}" for number in range(TRIES // 2)]


async def medians_of(signing: ExternalSignIns, directory: str, tries: int = TRIES) -> tuple[float, float]:
    """Milliseconds for people who exist and for names that nobody has, tried in turns by chance."""
    taken: dict[bool, list[float]] = {True: [], False: []}
    names = [(user, user.startswith("ida")) for user in (*PEOPLE[: tries // 2], *NOBODY[: tries // 2]) * 2]
    random.Random(3).shuffle(names)  # noqa: S311 - an order
    waiting = iter(enumerate(names))

    async def try_on() -> None:
        for number, (user, is_known) in waiting:
            origin, started = Origin(address=f"198.51.{number % 250}.7"), time.perf_counter()
            with pytest.raises(DirectorySignInRefusedError):
                await signing.by_directory(directory, user, "wrong", origin, NOW)
            taken[is_known].append(1000 * (time.perf_counter() - started))

    await asyncio.gather(*(try_on() for _ in range(AT_ONCE)))
    assert [len(taken[is_known]) for is_known in (True, False)] == [tries, tries]
    return statistics.median(taken[True]), statistics.median(taken[False])


def real_pace() -> Pace:
    """The one that is in force."""
    return Pace(monotonic=time.monotonic, sleep=asyncio.sleep)


def check(known: float, unknown: float) -> None:
    """Medians that nobody tells apart; `pytest -s` shows them."""
    sys.stdout.write(f"\n{TRIES} tries each: known {known:.1f} ms, unknown {unknown:.1f} ms\n")
    assert abs(known - unknown) < APART_MS, (known, unknown)


async def test_a_directory_that_takes_its_time_for_passwords_betrays_nobody(committed: Identity) -> None:
    """One that looks at no password of somebody unknown, where the difference would be plain to see."""
    corp = CountingDirectory()
    corp.add(*PEOPLE)
    corp.find_seconds, corp.bind_seconds = (0.002, 0.006), (0.02, 0.06)
    bare = await medians_of(sign_ins(committed, corp, pace=StillTime().pace()), "corp", 100)
    assert bare[0] - bare[1] > 2 * APART_MS
    corp.binds.clear()
    known, unknown = await medians_of(sign_ins(committed, corp, pace=real_pace(), attempts_before_lockout=4), "corp")
    check(known, unknown)
    assert len(corp.binds) == TRIES


async def test_slapd_betrays_nobody(committed: Identity) -> None:
    """The same of a real directory, over TLS, with a look-up and a bind for each attempt."""
    with slapd("".join(person(user) for user in PEOPLE)) as server:
        directory = of_slapds(server, threads=8)
        signing = sign_ins(committed, directory, pace=real_pace())
        try:
            known, unknown = await medians_of(signing, "slapd")
        finally:
            await directory.close()
    check(known, unknown)
