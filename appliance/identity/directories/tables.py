"""The tables of directory sync; private to the feature.

Nothing in them is personal: people stand there by the key that the directory gave them, distinguished names by a hash.
"""

from piccolo.columns import (
    JSONB,
    UUID,
    Bytea,
    DoublePrecision,
    ForeignKey,
    OnDelete,
    SmallInt,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.table import Table


class SyncRun(Table, tablename="sync_run"):
    """One run of a directory's sync, whether it changed anything or not."""

    id = UUID(primary_key=True, default=None)
    directory = Varchar(length=32, index=True)
    kind = Varchar(length=16)
    state = Varchar(length=16)
    started_at = Timestamptz(default=None)
    ended_at = Timestamptz(default=None, null=True)
    counts = JSONB(default="{}")
    cursor = Text(default="")  # where the next incremental run begins
    basis = Varchar(length=64, default="")  # digest of the settings that decide who is found
    problem = Text(default="")
    seconds_to_effect = DoublePrecision(default=None, null=True)
    started_by = Varchar(length=64)
    resolved_at = Timestamptz(default=None, null=True)
    resolved_by = Varchar(length=64, default="")


class SyncChangePage(Table, tablename="sync_change_page"):
    """Some of what a run did with people, or would do as long as it is held, as changes.py writes it."""

    id = UUID(primary_key=True, default=None)
    run = ForeignKey(SyncRun, on_delete=OnDelete.cascade, null=False, index=True)
    what = Varchar(length=16)
    changes = Bytea()


class DirectoryPage(Table, tablename="directory_page"):
    """What the last reading showed of some entries, as memory.py writes it; unique by the migration's index."""

    id = UUID(primary_key=True, default=None)
    directory = Varchar(length=32)
    number = SmallInt()
    entries = Bytea()
