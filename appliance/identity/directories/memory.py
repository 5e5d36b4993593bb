"""What the last reading of a directory showed, kept for the next one.

All of it is read at every run, and a run changes few entries: so they lie in pages, and a page is written anew as a
whole. A row for each entry would take five times as long, to write and to read.
"""

from collections.abc import Collection, Iterable
from typing import Final
from zlib import crc32

import msgspec

from appliance.database.connection import current_connection, read_connection
from appliance.database.identifiers import uuid7
from appliance.identity.directories.plans import Entry

# The number of pages is part of what is stored: another one would look for entries in the wrong page.
_PAGES: Final = 256
_READ: Final = (
    "SELECT number, entries FROM directory_page WHERE directory = $1 AND ($2::int[] IS NULL OR number = ANY($2))"
)
_WRITE: Final = """
INSERT INTO directory_page (id, directory, number, entries)
SELECT n.id, $1, n.number, n.entries FROM unnest($2::uuid[], $3::int[], $4::bytea[]) AS n(id, number, entries)
ON CONFLICT (directory, number) DO UPDATE SET entries = excluded.entries
"""


class _Key(msgspec.Struct, array_like=True, gc=False):
    """An entry without what is long in it; its fields are those of `Entry`."""

    key: str
    is_group: bool
    dn: bytes
    name: str
    members: msgspec.Raw
    profile: bytes


_ENTRIES: Final = msgspec.msgpack.Decoder(tuple[Entry, ...])
_KEYS: Final = msgspec.msgpack.Decoder(tuple[_Key, ...])
_ENCODE: Final = msgspec.msgpack.Encoder().encode


async def remembered(directory: str) -> dict[str, Entry]:
    """All entries by key."""
    return {entry.key: entry for page in await _pages(directory) for entry in _ENTRIES.decode(page)}


async def keys_of(directory: str) -> tuple[frozenset[str], frozenset[str]]:
    """Keys of all entries that the last reading showed, and of the people among them whom it showed as enabled.

    Of whoever was disabled nothing is remembered but the key.
    """
    entries = [entry for page in await _pages(directory) for entry in _KEYS.decode(page)]
    return frozenset([entry.key for entry in entries]), frozenset([entry.key for entry in entries if entry.profile])


async def remembered_groups(directory: str) -> tuple[Entry, ...]:
    """The groups that the last reading showed, with their direct members."""
    return tuple([entry for entry in (await remembered(directory)).values() if entry.is_group])


async def remember(directory: str, entries: Iterable[Entry], gone: Collection[str]) -> None:
    """Keep what a reading showed, inside the running transaction."""
    changes: dict[int, dict[str, Entry | None]] = {}
    for entry in entries:
        changes.setdefault(_number(entry.key), {})[entry.key] = entry
    for key in gone:
        changes.setdefault(_number(key), {})[key] = None
    if not changes:
        return
    connection = current_connection()
    known = {row["number"]: row["entries"] for row in await connection.fetch(_READ, directory, list(changes))}
    pages = [_changed(known.get(number), page) for number, page in changes.items()]
    await connection.execute(_WRITE, directory, [uuid7() for _ in pages], list(changes), pages)


def _number(key: str) -> int:
    return crc32(key.encode()) % _PAGES


def _changed(before: bytes | None, changes: dict[str, Entry | None]) -> bytes:
    """A page after the change; None stands for an entry that is gone."""
    old = {entry.key: entry for entry in _ENTRIES.decode(before)} if before is not None else {}
    return _ENCODE([entry for entry in (old | changes).values() if entry is not None])


async def _pages(directory: str) -> list[bytes]:
    async with read_connection() as connection:
        rows = await connection.fetch(_READ, directory, None)
    return [row["entries"] for row in rows]
