"""One scheduler leads, whoever dies; a job that fails ends nothing."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from structlog.testing import capture_logs

from appliance.job import Job
from server.scheduler import lead, scheduled
from tests.support.postgres import TestDatabase
from tests.support.served import environ_of, served

MODULE = "server.scheduler"
FAST = 0.03


class Counter:
    """A job that counts its runs, and how many ran at once."""

    def __init__(self, *, seconds: float = 0.0) -> None:
        self.runs = self.at_once = self.most_at_once = 0
        self._seconds = seconds

    async def run(self) -> None:
        self.runs += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(self._seconds)
        finally:
            self.at_once -= 1

    @property
    def job(self) -> Job:
        return Job(name="count.up", run=self.run, every_seconds=FAST)


async def until(is_true: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for something."""
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


async def _terminate_leaders(database: TestDatabase) -> None:
    connection = await asyncpg.connect(database.superuser_url)
    try:
        await connection.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'leash-scheduler' "
            "AND datname = current_database()"
        )
    finally:
        await connection.close()


async def test_one_of_two_leads_and_the_other_takes_over(committed_database: TestDatabase) -> None:
    """Jobs run in one of them; when the leader loses its connection, or stops, they go on in one of them."""
    counters, stops = [Counter(), Counter()], [asyncio.Event(), asyncio.Event()]
    leaders = [
        asyncio.create_task(lead(committed_database.service_url, [counter.job], stop))
        for counter, stop in zip(counters, stops, strict=True)
    ]
    await until(lambda: sum(counter.runs for counter in counters) > 3)
    assert min(counter.runs for counter in counters) == 0
    before = sum(counter.runs for counter in counters)
    await _terminate_leaders(committed_database)
    await until(lambda: sum(counter.runs for counter in counters) > before + 3)
    leading = 1 if await _still(counters[0]) else 0
    assert await _still(counters[1 - leading])
    stops[leading].set()
    await leaders[leading]
    other = counters[1 - leading]
    reached = other.runs
    await until(lambda: other.runs > reached + 3)
    assert await _still(counters[leading])
    stops[1 - leading].set()
    await asyncio.wait_for(leaders[1 - leading], 5)


async def test_a_commit_wakes_the_job_that_waits_for_it(committed_database: TestDatabase) -> None:
    """At once and once for a burst, long before its time; a word on another channel wakes nobody."""
    counter, stop = Counter(), asyncio.Event()
    job = Job(name="count.up", run=counter.run, every_seconds=3600.0, wakes_on="leash_asks")
    leading = asyncio.create_task(lead(committed_database.service_url, [job], stop))
    await until(lambda: counter.runs == 1)
    connection = await asyncpg.connect(committed_database.service_url)
    try:
        await connection.execute("SELECT pg_notify('leash_policy', '')")
        await asyncio.sleep(0.2)
        assert counter.runs == 1
        began = time.monotonic()
        for _ in range(50):
            await connection.execute("SELECT pg_notify('leash_asks', 'x')")
        await until(lambda: counter.runs > 1)
        assert time.monotonic() - began < 2
        await asyncio.sleep(0.2)
        assert counter.runs < 20
    finally:
        await connection.close()
        stop.set()
        await asyncio.wait_for(leading, 5)


async def _still(counter: Counter) -> bool:
    before = counter.runs
    await asyncio.sleep(5 * FAST)
    return counter.runs == before


async def test_a_database_that_is_away_is_waited_for(committed_database: TestDatabase) -> None:
    """The scheduler does not end; it says so and tries again."""
    stop = asyncio.Event()
    with capture_logs() as lines:
        leading = asyncio.create_task(lead("postgresql://x@127.0.0.1:1/x", [Counter().job], stop))
        await until(lambda: len([line for line in lines if line["event"] == "scheduler.database_away"]) > 1)
        assert not leading.done()
        stop.set()
        await asyncio.wait_for(leading, 5)


async def _scheduled(jobs: list[Job], is_enough: Callable[[], bool]) -> None:
    scheduler = scheduled(jobs)
    scheduler.start()
    try:
        await until(is_enough)
    finally:
        scheduler.shutdown()
        await asyncio.sleep(0)


def _failing(times: int, count: Counter) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        await count.run()
        if count.runs <= times:
            message = "disk full"
            raise OSError(message)

    return run


async def test_a_job_that_fails_is_told_once_and_runs_again() -> None:
    """The others go on, and when it works again that is told, too."""
    failing, sound = Counter(), Counter()
    job = Job(name="fail.often", run=_failing(5, failing), every_seconds=FAST)
    with capture_logs() as lines:
        await _scheduled([job, sound.job], lambda: failing.runs > 8 and sound.runs > 8)
    told = [line["event"] for line in lines if line.get("job") == "fail.often"]
    assert told == ["job.failed", "job.works_again"]


@pytest.mark.filterwarnings("ignore")
async def test_a_slow_job_is_not_started_twice() -> None:
    """What comes due while it runs is left out."""
    slow = Counter(seconds=6 * FAST)
    await _scheduled([slow.job], lambda: slow.runs > 2)
    assert slow.most_at_once == 1


async def test_a_second_process_takes_over_from_one_that_was_killed(
    committed_database: TestDatabase, tmp_path: Path
) -> None:
    """Kill -9 of the leader: the other leads within seconds, seals, and ends cleanly on SIGTERM."""
    environ = environ_of(committed_database, tmp_path)
    async with served(MODULE, tmp_path, environ) as one:
        await one.until("scheduler.leads")
        async with served(MODULE, tmp_path, environ) as other:
            await asyncio.sleep(2)
            assert "scheduler.leads" not in other.said
            one.process.kill()
            killed = time.monotonic()
            await other.until("scheduler.leads", seconds=10)
            assert time.monotonic() - killed < 10
            other.process.send_signal(signal.SIGTERM)
            assert await other.ended(10) == 0
            assert "leads_no_more" in other.said


async def test_a_job_with_a_calendar_waits_for_its_time() -> None:
    """It does not run at the start, and its next time is that of its own zone."""
    counter = Counter()
    job = Job(name="count.nightly", run=counter.run, every_seconds=0, cron="15 2 * * sun", zone="Asia/Tokyo")
    scheduler = scheduled([job])
    scheduler.start()
    try:
        await asyncio.sleep(0.1)
        (planned,) = scheduler.get_jobs()
        assert counter.runs == 0
        assert (planned.next_run_time.isoweekday(), planned.next_run_time.hour) == (7, 2)
        assert planned.next_run_time.utcoffset() == timedelta(hours=9)
    finally:
        scheduler.shutdown()
