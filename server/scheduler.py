"""`python -m server.scheduler`: repeats the jobs of every feature, in one process of the installation at a time."""

import server.lean  # noqa: F401 - first of all, as it says

import asyncio
import logging
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from appliance.bootstrap import open_appliance
from appliance.config import Config
from appliance.database.connection import UNREACHABLE, Connection, open_connection, session_settings
from appliance.database.errors import DatabaseError
from appliance.errors import LeashError
from appliance.job import Job
from appliance.memory import give_back
from server.command_line import configured, stop

# Any constant will do, as long as every release uses the same one.
LEADER_LOCK: Final = 0x6C6561736853
RETRY_SECONDS: Final = 0.5
_APART: Final = timedelta(seconds=0.07)
PROBE_SECONDS: Final = 5.0
# A burst of commits is worth one run; nobody notices so little.
WAKE_SECONDS: Final = 0.03
_TELL_AGAIN_SECONDS: Final = 60.0
_PROGRAM: Final = "server.scheduler"
_AWAY: Final = (*UNREACHABLE, DatabaseError)
log = structlog.get_logger("scheduler")


class Failures:
    """Tells of a job that fails again and again once a minute, and when it works again."""

    def __init__(self) -> None:
        """Nothing has failed yet."""
        self._told_at: dict[str, float] = {}

    def failed(self, job: Job, problem: Exception) -> None:
        """One failure; the job is run again at its next time."""
        now = time.monotonic()
        if now - self._told_at.get(job.name, -_TELL_AGAIN_SECONDS) < _TELL_AGAIN_SECONDS:
            return
        self._told_at[job.name] = now
        is_expected = isinstance(problem, _AWAY)
        told = f"{type(problem).__name__}: {problem}"
        log.error("job.failed", job=job.name, problem=told, exc_info=None if is_expected else problem)

    def worked(self, job: Job) -> None:
        """One success."""
        if self._told_at.pop(job.name, None) is not None:
            log.info("job.works_again", job=job.name)


def scheduled(jobs: Iterable[Job]) -> AsyncIOScheduler:
    """A scheduler that starts each job almost at once and then at its times, never twice at the same time."""
    scheduler, failures = AsyncIOScheduler(timezone=UTC), Failures()
    for number, job in enumerate(jobs):
        # One after the other: jobs that start in the same instant would each need a connection of their own.
        first = datetime.now(UTC) + number * _APART
        begin: dict[str, Any] = {} if job.cron else {"next_run_time": first}
        scheduler.add_job(
            _guarded(job, failures), _trigger(job), id=job.name, max_instances=1, coalesce=True,
            misfire_grace_time=None, **begin,
        )  # fmt: skip
    return scheduler


def _trigger(job: Job) -> BaseTrigger:
    if job.cron:
        return CronTrigger.from_crontab(job.cron, timezone=job.zone)
    every: Any = job.every_seconds  # fractions are taken too, whatever its types say
    return IntervalTrigger(seconds=every, timezone=UTC)


def _guarded(job: Job, failures: Failures) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        try:
            await job.run()
        except Exception as problem:  # noqa: BLE001 - one job's failure must not end the others
            failures.failed(job, problem)
        else:
            failures.worked(job)

    return run


class Wakes:
    """Lets jobs run at once when something commits that they wait for; a burst lets them run once."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        """Nothing is heard before `scheduler` is set."""
        self._names: dict[str, list[str]] = {}
        for job in jobs:
            if job.wakes_on:
                self._names.setdefault(job.wakes_on, []).append(job.name)
        self._woken = set[str]()
        self.scheduler: AsyncIOScheduler | None = None

    @property
    def channels(self) -> tuple[str, ...]:
        """What to listen to."""
        return tuple(self._names)

    def hear(self, _connection: object, _process: int, channel: str, _payload: object) -> None:
        """Something has committed."""
        if channel not in self._woken:
            self._woken.add(channel)
            asyncio.get_running_loop().call_later(WAKE_SECONDS, self._wake, channel)

    def _wake(self, channel: str) -> None:
        self._woken.discard(channel)
        if self.scheduler is not None:
            for name in self._names[channel]:
                self.scheduler.modify_job(name, next_run_time=datetime.now(UTC))


async def lead(url: str, jobs: Iterable[Job], stopping: asyncio.Event) -> None:
    """Run the jobs whenever this process is the leader, until `stopping` is set."""
    while not stopping.is_set():
        try:
            wakes = Wakes(jobs)
            async with _leadership(url, wakes) as lost:
                if lost is not None:
                    await _run(jobs, wakes, lost, stopping)
        except _AWAY as problem:
            log.warning("scheduler.database_away", problem=f"{type(problem).__name__}: {problem}")
        await _first_of(stopping.wait(), asyncio.sleep(RETRY_SECONDS))


async def _run(jobs: Iterable[Job], wakes: Wakes, lost: asyncio.Event, stopping: asyncio.Event) -> None:
    scheduler = scheduled(jobs)
    scheduler.start()
    wakes.scheduler = scheduler
    log.info("scheduler.leads", jobs=[job.name for job in jobs])
    give_back()
    try:
        await _first_of(stopping.wait(), lost.wait())
    finally:
        wakes.scheduler = None
        scheduler.shutdown()
        await asyncio.sleep(0)  # APScheduler ends in the loop's next turn
        log.info("scheduler.leads_no_more")


@asynccontextmanager
async def _leadership(url: str, wakes: Wakes) -> AsyncIterator[asyncio.Event | None]:
    """None if another process leads; else an event that is set when the leadership is lost.

    The lock belongs to a connection of its own: whoever dies loses it at once, and so does whoever loses the database.
    The same connection hears what wakes jobs.
    """
    connection = await open_connection(url, session_settings("leash-scheduler", statement_timeout_seconds=5))
    try:
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LEADER_LOCK):
            yield None
            return
        for channel in wakes.channels:
            await connection.add_listener(channel, wakes.hear)
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _connection: lost.set())
        probing = asyncio.create_task(_probe(connection, lost))
        try:
            yield lost
        finally:
            probing.cancel()
            await asyncio.gather(probing, return_exceptions=True)
    finally:
        connection.terminate()


async def _probe(connection: Connection, lost: asyncio.Event) -> None:
    """Find out that the network is silent; a connection that breaks tells so itself."""
    try:
        while not lost.is_set():
            await asyncio.sleep(PROBE_SECONDS)
            await connection.fetchval("SELECT 1", timeout=PROBE_SECONDS / 2)
    except UNREACHABLE:
        lost.set()


async def _first_of(*waits: Awaitable[object]) -> None:
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def run(config: Config, config_file: Path | None = None) -> None:
    """Run until SIGTERM or SIGINT.

    Raises:
        LeashError: the scheduler cannot start.
    """
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)  # it tells of every skipped run of a slow job
    async with open_appliance(config, config_file=config_file) as appliance:
        await lead(appliance.service_url, appliance.jobs(), stopping)


def main() -> None:
    """Schedule, or say in one line why not."""
    given = configured(_PROGRAM, "Run the jobs of the installation.")
    try:
        asyncio.run(run(given.config, given.file))
    except LeashError as problem:
        stop(_PROGRAM, problem)


if __name__ == "__main__":
    main()
