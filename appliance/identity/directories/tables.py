"""The tables of directory sync; private to the feature.

Nothing in them is personal: people stand there by the key that the directory gave them, distinguished names by a hash.
"""

from piccolo.columns import (
    JSONB,
    UUID,
    Array,
    Boolean,
    Bytea,
    DoublePrecision,
    ForeignKey,
    OnDelete,
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


class SyncChangeRow(Table, tablename="sync_change"):
    """What a run did with one person, or would do as long as it is held."""

    id = UUID(primary_key=True, default=None)
    run = ForeignKey(SyncRun, on_delete=OnDelete.cascade, null=False, index=True)
    what = Varchar(length=16)
    key = Varchar(length=255)
    account = UUID(default=None, null=True)
    cause = Varchar(length=64, default="")
    before = Array(base_column=Text(), default=list)
    after = Array(base_column=Text(), default=list)


class DirectoryEntry(Table, tablename="directory_entry"):
    """What the last reading showed of one entry, as plans.Entry says; unique by the migration's index."""

    id = UUID(primary_key=True, default=None)
    directory = Varchar(length=32)
    key = Varchar(length=255)
    is_group = Boolean(default=False)
    dn = Bytea()
    name = Text(default="")
    members = Bytea()
    profile = Bytea()
