"""What directories do on a schedule."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from appliance.clock import Clock
from appliance.database.connection import current_connection
from appliance.database.transaction import transaction
from appliance.identity.directories.errors import SyncBusyError
from appliance.identity.directories.service import Directories
from appliance.identity.directories.sync import DirectorySync
from appliance.job import Job

QUIET_KEPT: Final = timedelta(days=2)
# Runs that changed nobody; the newest good ones of each directory and kind are what the next run begins with.
_FORGET: Final = """
DELETE FROM sync_run r WHERE r.started_at < $1 AND r.state = 'done'
  AND NOT EXISTS (SELECT FROM sync_change_page c WHERE c.run = r.id)
  AND EXISTS (SELECT FROM sync_run n WHERE n.directory = r.directory AND n.kind = r.kind AND n.state = 'done'
    AND n.started_at > r.started_at)
"""


def jobs(directories: Directories, clock: Clock) -> tuple[Job, ...]:
    """Sync of each directory by its own interval, so that one that hangs keeps no other waiting."""

    async def forget_quiet_runs() -> None:
        await forget_quiet(clock())

    return (
        *(
            Job(name=f"directories.sync_{name}", run=_run(sync), every_seconds=float(sync.settings.sync_seconds))
            for name, sync in directories.syncs.items()
            if sync.is_on
        ),
        Job(name="directories.forget_quiet_runs", run=forget_quiet_runs, every_seconds=3600.0),
    )


async def forget_quiet(now: datetime) -> None:
    """Delete runs of days ago that found nothing new: one every other minute would bury those that did."""
    async with transaction():
        await current_connection().execute(_FORGET, now - QUIET_KEPT)


def _run(sync: DirectorySync) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        with suppress(SyncBusyError):  # a run by hand brings what this one would
            await sync.run()

    return run
