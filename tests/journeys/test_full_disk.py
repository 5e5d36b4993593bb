"""The database cannot write, or does not answer: prompt denies, never an allow, and recovery without a hand."""

import asyncio
import contextlib
import itertools
import json
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from appliance.database.embedded import EmbeddedPostgres
from tests.support import processes
from tests.support.disk import Disk, small_disk
from tests.support.journey import Cloud
from tests.support.machines import Answer, Machine

DENY_SECONDS_MAX = 2.0
RECOVERY_SECONDS_MAX = 10.0
_FAULT_SECONDS = 8.0
# One in so many calls is one that policy asks about: it must not hang on a database that is away.
_ASK_EVERY = 5


async def test_a_full_disk_gives_denies_then_recovers(tmp_path: Path) -> None:
    """No room for WAL: native denies within 2 s; with room again allows within 10 s, and the ledger tells of it."""
    with small_disk() as disk:
        cloud = Cloud(tmp_path)
        disk.give(cloud)
        async with cloud:
            machine = await cloud.machine()
            assert (await machine.run("git status")).is_allow
            disk.fill()
            await _use_up_the_log(cloud, disk)
            denied = await _calls_during_the_fault(machine)
            await asyncio.to_thread(disk.free)
            await _recovers(machine, f"full disk ({disk.kind})", denied)
            await _told(cloud, denied)


async def test_a_database_that_does_not_answer_gives_denies_then_recovers(tmp_path: Path) -> None:
    """PostgreSQL stopped in the middle (SIGSTOP): native denies within 2 s, allows soon after it goes on."""
    async with Cloud(tmp_path) as cloud:
        machine = await cloud.machine()
        assert (await machine.run("git status")).is_allow
        async with _paused(cloud):
            denied = await _calls_during_the_fault(machine)
        await _recovers(machine, "paused database", denied)
        await _told(cloud, denied)


@asynccontextmanager
async def _paused(cloud: Cloud) -> AsyncIterator[None]:
    pids = cloud.postgres_pids()
    for pid in pids:
        processes.end(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            processes.end(pid, signal.SIGCONT)


async def _use_up_the_log(cloud: Cloud, disk: Disk) -> None:
    """Begin new log files until none can be made; a running server has a few in reserve."""
    with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        for _ in range(50):
            connection = await asyncpg.connect(EmbeddedPostgres(cloud.state).superuser_url, timeout=5)
            try:
                await connection.execute("SELECT pg_logical_emit_message(true, 'fill', 'x'), pg_switch_wal()")
            finally:
                connection.terminate()
            disk.fill()


async def _calls_during_the_fault(machine: Machine) -> int:
    """Calls of several agents at once while it lasts; how many were denied, which is all of them."""
    end, numbers = time.monotonic() + _FAULT_SECONDS, itertools.count()

    async def agent() -> list[Answer]:
        answers = []
        while time.monotonic() < end:
            number = next(numbers)
            command = f"psql -c 'drop table t{number}'" if number % _ASK_EVERY == 0 else f"ls folder-{number}"
            answers.append(await machine.run(command))
            await asyncio.sleep(0.05)
        return answers

    answers = [answer for told in await asyncio.gather(*(agent() for _ in range(6))) for answer in told]
    slowest = max(answer.seconds for answer in answers)
    print(f"{len(answers)} calls during the fault, slowest deny {slowest:.2f} s")  # noqa: T201 - the run's figure
    assert [answer for answer in answers if not answer.is_deny] == []
    assert all(answer.reason for answer in answers)
    assert slowest <= DENY_SECONDS_MAX
    return len(answers)


async def _recovers(machine: Machine, fault: str, denied: int) -> None:
    started = time.monotonic()
    while not (await machine.run("git status")).is_allow:
        assert time.monotonic() < started + RECOVERY_SECONDS_MAX, "still no allow"
        await asyncio.sleep(0.1)
    print(f"{fault}: {denied} denies, first allow {time.monotonic() - started:.1f} s after it ended")  # noqa: T201


async def _told(cloud: Cloud, denied: int) -> None:
    """The ledger names at least as many unrecorded denies as there were, and is intact."""
    end = time.monotonic() + 15
    told = 0
    while told < denied:
        assert time.monotonic() < end, f"the ledger tells of {told} of {denied} denies"
        await asyncio.sleep(0.5)
        rows = await cloud.sql("SELECT body FROM ledger_entry WHERE event = 'decision.unrecorded_denies'")
        told = sum(_count(row[0]) for row in rows)
    await cloud.verify_ledger()


def _count(body: str) -> int:
    facts = json.loads(body)["facts"]
    return int(facts["count"])
