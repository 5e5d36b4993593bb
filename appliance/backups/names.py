"""Where things lie in a store: `SYSTEM/base/ID/…` and `SYSTEM/wal/TIMELINE/SEGMENT…`."""

from typing import Final

DESCRIPTION: Final = "backup.json"
_BASE: Final = "base"
_WAL: Final = "wal"
# Compressed with zstandard, then encrypted with age.
SEALED: Final = ".zst.age"


def base_folder(system: str) -> str:
    """Where the base backups of an installation lie."""
    return f"{system}/{_BASE}/"


def wal_folder(system: str) -> str:
    """Where the write-ahead log of an installation lies."""
    return f"{system}/{_WAL}/"


def description(system: str, backup: str) -> str:
    """The description of a backup; written last, so a backup without one was never finished."""
    return f"{base_folder(system)}{backup}/{DESCRIPTION}"


def part(system: str, backup: str, what: str) -> str:
    """One part of a backup, such as `base.tar`."""
    return f"{base_folder(system)}{backup}/{what}{SEALED}"


def segment(system: str, name: str) -> str:
    """A segment of the log, or a timeline's history, by PostgreSQL's own name for the file."""
    return f"{wal_folder(system)}{name[:8]}/{name}{SEALED}"


def system_of(name: str) -> str:
    """The system identifier in an object's name."""
    return name.partition("/")[0]


def file_of(name: str) -> str:
    """PostgreSQL's name of a segment in an object's name."""
    return name.rpartition("/")[2].removesuffix(SEALED)
