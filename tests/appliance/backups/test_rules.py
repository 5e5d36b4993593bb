"""Which backups stay, and what a restore needs of the log."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from appliance.backups import rules
from appliance.backups.records import Backup, Kind, Part, Position
from appliance.backups.rules import Keeping

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
KEEPING = Keeping(daily=7, weekly=4, monthly=6, recovery=timedelta(days=30), zone=ZoneInfo("Europe/Berlin"))
_PART = Part(name="x", size=1, sha256="", plain_bytes=1)


def backup(name: str, age: timedelta, parent: str = "", ends: str = "0/2000100") -> Backup:
    """A backup that ended so long ago."""
    return Backup(
        id=name, kind=Kind.INCREMENTAL if parent else Kind.FULL, parent=parent, system="1", postgres="18.4",
        begins=Position(timeline=1, lsn="0/2000028"), ends=Position(timeline=1, lsn=ends), started_at=NOW - age,
        ended_at=NOW - age, base=_PART, manifest=_PART, secrets=_PART, recipients=(), release="0", migrations=1,
    )  # fmt: skip


def daily(days: int) -> list[Backup]:
    """A backup a day, a full one each Sunday and incremental ones on top."""
    found: list[Backup] = []
    for age in range(days, -1, -1):
        is_full = not found or (NOW - timedelta(days=age)).weekday() == 6
        parent = "" if is_full else found[-1].id
        found.append(backup(f"d{age}", timedelta(days=age), parent))
    return found


def test_days_weeks_and_months_are_kept_with_what_they_are_on_top_of() -> None:
    """After 300 days there are the last 30 days, six ends of months, and every chain is whole."""
    backups = daily(300)
    stays = rules.kept(backups, KEEPING, NOW)
    assert {f"d{age}" for age in range(31)} <= stays
    months = {each.ended_at.astimezone(KEEPING.zone).strftime("%Y-%m") for each in backups if each.id in stays}
    assert {"2026-06", "2026-07", "2026-08", "2026-09", "2026-10", "2026-11"} <= months
    assert all(rules.chain([each for each in backups if each.id in stays], name) for name in stays)
    assert len(stays) < 70


def test_any_moment_of_the_recovery_time_has_a_backup_before_it() -> None:
    """The newest backup that is older than the recovery time stays, though no count asks for it."""
    backups = [backup("old", timedelta(days=90)), backup("before", timedelta(days=40)), backup("new", timedelta(0))]
    sparse = Keeping(daily=1, weekly=0, monthly=0, recovery=timedelta(days=30), zone=ZoneInfo("UTC"))
    assert rules.kept(backups, sparse, NOW) == {"before", "new"}


@given(st.lists(st.integers(0, 24 * 400), unique=True, max_size=60), st.integers(1, 9), st.integers(0, 9))
def test_the_newest_always_stays_and_every_chain_is_whole(hours: list[int], daily_kept: int, weekly: int) -> None:
    """Whatever there is and whatever is asked for."""
    backups: list[Backup] = []
    for number, age in enumerate(sorted(hours, reverse=True)):
        backups.append(backup(str(number), timedelta(hours=age), backups[-1].id if number % 5 else ""))
    keeping = Keeping(
        daily=daily_kept, weekly=weekly, monthly=0, recovery=timedelta(days=3), zone=ZoneInfo("Asia/Tokyo")
    )
    stays = rules.kept(backups, keeping, NOW)
    assert not backups or backups[-1].id in stays
    assert all(rules.chain([each for each in backups if each.id in stays], name) for name in stays)


def test_a_chain_whose_parent_is_gone_is_none() -> None:
    """Half a chain must not be restored."""
    backups = [backup("b", timedelta(1), "a"), backup("c", timedelta(0), "b")]
    assert rules.chain(backups, "c") == ()
    assert rules.chain([*backups, backup("a", timedelta(2), "c")], "c") == ()


def test_a_gap_in_the_log_is_found() -> None:
    """What lies between the end of the backup and the newest segment must be there; before it nothing need be."""
    taken = backup("a", timedelta(0), ends="0/3000028")
    names = [f"0000000100000000000000{number:02X}" for number in (1, 3, 4, 6)]
    assert rules.missing_segments(names, taken) == (5,)
    assert rules.missing_segments([], taken) == ()
    assert rules.missing_segments([*names[:3], "00000002000000000000000500000028.backup"[:24]], taken) == ()


def test_segments_are_numbered_across_their_256_per_file_group() -> None:
    """The last two digits count to FF, and then the group in the middle grows."""
    assert rules.segment_number("0000000100000001000000FF") + 1 == rules.segment_number("000000010000000200000000")
    assert Position(timeline=1, lsn="1/FF000000").offset // rules.SEGMENT_BYTES == 0x1FF
