"""Reading how backups stand."""

from datetime import datetime
from uuid import UUID

import msgspec

from appliance.database.connection import read_connection


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt to take a backup.

    Attributes:
        state: `running`, `done` or `failed`.
        backup: its identifier in the store, if it is there.
    """

    id: UUID
    kind: str
    state: str
    started_at: datetime
    ended_at: datetime | None
    backup: str
    size: int
    problem: str
    started_by: str


class LogState(msgspec.Struct, frozen=True, kw_only=True):
    """How the write-ahead log leaves this machine.

    Attributes:
        shipped_at: when everything that was written lay in the store for the last time.
    """

    looked_at: datetime
    shipped_at: datetime | None
    waiting_files: int
    waiting_bytes: int
    problem: str
    disk_percent: int


async def runs(limit: int = 50) -> tuple[Run, ...]:
    """The newest attempts first."""
    async with read_connection() as connection:
        rows = await connection.fetch("SELECT * FROM backup_run ORDER BY started_at DESC, id DESC LIMIT $1", limit)
    return tuple(msgspec.convert(dict(row), Run) for row in rows)


async def last_run(state: str) -> Run | None:
    """The newest attempt in a state."""
    async with read_connection() as connection:
        row = await connection.fetchrow(
            "SELECT * FROM backup_run WHERE state = $1 ORDER BY started_at DESC LIMIT 1", state
        )
    return None if row is None else msgspec.convert(dict(row), Run)


async def has_backup(tried_since: datetime) -> bool:
    """Whether a backup was ever finished, or one was tried lately."""
    async with read_connection() as connection:
        found: bool = await connection.fetchval(
            "SELECT EXISTS (SELECT FROM backup_run WHERE state = 'done' OR started_at > $1)", tried_since
        )
    return found


async def log_state() -> LogState | None:
    """How the log stands; None if nobody has looked yet."""
    async with read_connection() as connection:
        row = await connection.fetchrow("SELECT * FROM backup_log_state WHERE id = 1")
    return None if row is None else msgspec.convert({name: row[name] for name in LogState.__struct_fields__}, LogState)
