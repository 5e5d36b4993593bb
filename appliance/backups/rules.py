"""Which backups are kept, and which of the log: pure decisions about a list of backups."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from appliance.backups.records import Backup

SEGMENT_BYTES = 16 * 1024 * 1024


class Keeping(msgspec.Struct, frozen=True, kw_only=True):
    """How much is kept.

    Attributes:
        daily, weekly, monthly: the last backup of each of so many days, weeks (ISO) and months that have one.
        recovery: any moment since then can be restored.
        zone: where days begin.
    """

    daily: int
    weekly: int
    monthly: int
    recovery: timedelta
    zone: ZoneInfo


def kept(backups: Sequence[Backup], keeping: Keeping, now: datetime) -> frozenset[str]:
    """Identifiers of the backups that stay.

    They are those that the counts ask for, those that the recovery time needs, the newest, and the parents of these.
    """
    ordered = sorted(backups, key=lambda backup: backup.ended_at)
    if not ordered:
        return frozenset()
    stays = {ordered[-1].id} | {backup.id for backup in ordered if backup.ended_at >= now - keeping.recovery}
    before = [backup for backup in ordered if backup.ended_at < now - keeping.recovery]
    if before:
        stays.add(before[-1].id)  # the moment at the beginning of the recovery time is restored from this one
    days = [backup.ended_at.astimezone(keeping.zone).date() for backup in ordered]
    stays |= _last_of_each(ordered, days, keeping.daily)
    stays |= _last_of_each(ordered, [day - timedelta(days=day.weekday()) for day in days], keeping.weekly)
    stays |= _last_of_each(ordered, [day.replace(day=1) for day in days], keeping.monthly)
    return _with_parents(stays, ordered)


def _last_of_each(ordered: Sequence[Backup], periods: Sequence[date], count: int) -> set[str]:
    last = {period: backup.id for period, backup in zip(periods, ordered, strict=True)}
    return {last[period] for period in sorted(last)[len(last) - min(count, len(last)) :]}


def _with_parents(stays: Iterable[str], backups: Sequence[Backup]) -> frozenset[str]:
    parents = {backup.id: backup.parent for backup in backups}
    found: set[str] = set()
    for each in stays:
        current = each
        while current and current not in found:
            found.add(current)
            current = parents.get(current, "")
    return frozenset(found)


def chain(backups: Iterable[Backup], last: str) -> tuple[Backup, ...]:
    """The full backup and the incremental ones up to `last`, in that order; empty if one of them is not there."""
    by_id = {backup.id: backup for backup in backups}
    found: list[Backup] = []
    while last:
        backup = by_id.get(last)
        if backup is None or backup in found:
            return ()
        found.append(backup)
        last = backup.parent
    return tuple(reversed(found))


def nearest(backups: Iterable[Backup], moment: datetime | None) -> Backup | None:
    """The newest backup that had ended by `moment` (None: the newest of all); its log leads there."""
    fitting = [backup for backup in backups if moment is None or backup.ended_at <= moment]
    return max(fitting, key=lambda backup: backup.ended_at, default=None)


def segment_number(name: str) -> int:
    """The place of a segment in the log, in segments of 16 MiB; `name` is PostgreSQL's 24 hex digits."""
    return (int(name[8:16], 16) << 8) | int(name[16:24], 16)


def is_segment(name: str) -> bool:
    """Whether a file of the log is a segment and not a timeline's history."""
    digits = name.partition(".")[0]
    return len(digits) == 24 and all(letter in "0123456789ABCDEF" for letter in digits)  # noqa: PLR2004 - PostgreSQL's length


def first_segment_needed(backups: Iterable[Backup]) -> int | None:
    """The oldest segment that any of these backups needs to become consistent, or None without backups."""
    return min((backup.begins.offset // SEGMENT_BYTES for backup in backups), default=None)


def missing_segments(names: Iterable[str], backup: Backup) -> tuple[int, ...]:
    """Numbers of segments that are not there between the end of `backup` and the newest segment that is there.

    Names of all timelines count: after a restore the log goes on under a new one.
    """
    there = {segment_number(name) for name in names if is_segment(name)}
    first = backup.ends.offset // SEGMENT_BYTES
    return tuple(number for number in range(first, max(there, default=0)) if number not in there)
