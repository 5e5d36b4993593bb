"""What an operator must know about backups, a sentence for each thing that is not well."""

from datetime import datetime, timedelta
from typing import Final

from appliance.backups.queries import LogState, Run, last_run, log_state
from appliance.config.backups import Backups as Settings

# A week of one full and six incremental backups, and half a day for a late one.
BACKUP_AGE: Final = timedelta(hours=36)
LOG_AGE: Final = timedelta(minutes=5)


async def statements(settings: Settings, now: datetime) -> tuple[str, ...]:
    """Everything that is not well; empty if all is."""
    if not settings.store:
        return ("Backups: no store is configured, so nothing can be restored",)
    backups = about_backups(await last_run("done"), await last_run("failed"), now)
    return (*backups, *about_log(settings, await log_state(), now))


def about_backups(done: Run | None, failed: Run | None, now: datetime) -> list[str]:
    """Of base backups: none yet, too old, or the last one failed."""
    found = []
    if done is None:
        found.append("Backups: none has been taken yet")
    elif now - (done.ended_at or done.started_at) > BACKUP_AGE:
        found.append(f"Backups: the last one ended {_ago(now - (done.ended_at or done.started_at))} ago")
    if failed is not None and (done is None or failed.started_at > done.started_at):
        found.append(f"Backups: the last attempt failed {_ago(now - failed.started_at)} ago: {failed.problem}")
    return found


def about_log(settings: Settings, state: LogState | None, now: datetime) -> list[str]:
    """Of the write-ahead log: not leaving, and the room that is left for it."""
    if state is None:
        return ["Backups: the write-ahead log does not leave this machine yet"]
    found = []
    if state.shipped_at is None or now - state.shipped_at > LOG_AGE:
        since = "never" if state.shipped_at is None else f"not for {_ago(now - state.shipped_at)}"
        why = f": {state.problem}" if state.problem else ""
        waits = f"; {state.waiting_files} files wait" if state.waiting_files else ""
        found.append(f"Backups: the write-ahead log left this machine {since}{why}{waits}")
    if state.disk_percent >= settings.disk_warn_percent:
        found.append(f"Backups: the disk is {state.disk_percent}% full")
    return found


def _ago(age: timedelta) -> str:
    minutes = int(age.total_seconds() // 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h" if minutes < 2880 else f"{minutes // 1440} days"  # noqa: PLR2004 - where the next unit reads better
