"""What backups need on a schedule."""

from datetime import timedelta
from typing import Final

from appliance.backups.queries import has_backup
from appliance.backups.records import Kind
from appliance.backups.service import Backups
from appliance.job import Job
from appliance.ledger.records import Actor, ActorKind

ACTOR: Final = Actor(kind=ActorKind.SYSTEM, id="backups")
_LOOK_SECONDS: Final = 60.0
_RETRY: Final = timedelta(minutes=10)


def jobs(backups: Backups) -> tuple[Job, ...]:
    """The log at all times, the first backup at once, the others by their schedules, and the clean-up behind them."""
    settings = backups.settings

    async def keep_log() -> None:
        await backups.keep_log()

    async def begin() -> None:
        if not await has_backup(backups.now() - _RETRY):
            await backups.take(ACTOR, Kind.FULL)

    async def full() -> None:
        await backups.take(ACTOR, Kind.FULL)
        await prune()

    async def incremental() -> None:
        await backups.take(ACTOR, Kind.INCREMENTAL)
        await prune()

    async def prune() -> None:
        if backups.store.may_delete:
            await backups.prune(ACTOR)

    zone = settings.time_zone
    planned = [Job(name="backups.take_full", run=full, every_seconds=0, cron=settings.full_schedule, zone=zone)]
    if settings.incremental_schedule:
        planned.append(
            Job(
                name="backups.take_incremental", run=incremental, every_seconds=0,
                cron=settings.incremental_schedule, zone=zone,
            )
        )  # fmt: skip
    return (
        Job(name="backups.keep_log", run=keep_log, every_seconds=settings.upload_seconds / 2),
        Job(name="backups.begin", run=begin, every_seconds=_LOOK_SECONDS),
        *planned,
    )
