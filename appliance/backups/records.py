"""What a store holds, as plain values."""

from datetime import datetime
from enum import StrEnum

import msgspec

VERSION = 1


class Kind(StrEnum):
    """How much of the database a base backup holds."""

    FULL = "full"
    INCREMENTAL = "incremental"  # the blocks that have changed since its parent


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """One object as the store reports it.

    Attributes:
        name: its path below the store's root, with `/` between the parts.
        size: bytes.
        written_at: the store's clock.
    """

    name: str
    size: int
    written_at: datetime


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One encrypted object of a backup.

    Attributes:
        size: bytes as stored.
        sha256: of the stored bytes, as hex: damage shows before anything is decrypted.
        plain_bytes: bytes before compression.
    """

    name: str
    size: int
    sha256: str
    plain_bytes: int


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """A place in the write-ahead log.

    Attributes:
        timeline: grows by one with every restore.
        lsn: as PostgreSQL writes it, e.g. `0/3000028`.
    """

    timeline: int
    lsn: str

    @property
    def offset(self) -> int:
        """The LSN as a number of bytes."""
        high, _, low = self.lsn.partition("/")
        return (int(high, 16) << 32) | int(low, 16)


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """The description of a finished base backup, stored beside it in the clear; it holds no personal data.

    Attributes:
        id: UUIDv7, its folder.
        parent: the backup that an incremental one is on top of.
        system: PostgreSQL's system identifier, which never changes for an installation and its restored copies.
        begins, ends: the log that is needed to make it consistent.
        base: the files of the database.
        manifest: PostgreSQL's own list of them, needed for the next incremental backup.
        secrets: keys, passwords and configuration of the installation.
        recipients: who can decrypt it.
        release: version of this product that took it.
        migrations: how many migrations the database had.
    """

    version: int = VERSION
    id: str
    kind: Kind
    parent: str = ""
    system: str
    postgres: str
    begins: Position
    ends: Position
    started_at: datetime
    ended_at: datetime
    base: Part
    manifest: Part
    secrets: Part
    recipients: tuple[str, ...]
    release: str
    migrations: int
