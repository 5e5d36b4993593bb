"""What health reads about backups; the backups themselves are described in the store, which outlives this."""

from piccolo.columns import UUID, BigInt, Integer, SmallInt, Text, Timestamptz, Varchar
from piccolo.table import Table


class BackupRun(Table, tablename="backup_run"):
    """One attempt to take a backup."""

    id = UUID(primary_key=True, default=None)
    kind = Varchar(length=16)
    state = Varchar(length=16)
    started_at = Timestamptz(default=None, index=True)
    ended_at = Timestamptz(default=None, null=True)
    backup = Varchar(length=36, default="")  # its folder in the store
    size = BigInt(default=0)
    problem = Text(default="")
    started_by = Varchar(length=64)


class LogState(Table, tablename="backup_log_state"):
    """How the write-ahead log leaves this machine; one row."""

    id = SmallInt(primary_key=True, default=1)
    looked_at = Timestamptz(default=None)
    shipped_at = Timestamptz(default=None, null=True)  # when everything that was written lay in the store
    waiting_files = Integer(default=0)
    waiting_bytes = BigInt(default=0)
    problem = Text(default="")
    disk_percent = SmallInt(default=0)
