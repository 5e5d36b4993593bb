"""What runs did with people, line by line, as it is stored: many lines of one kind in a page."""

from collections.abc import Iterable, Iterator
from typing import Final
from uuid import UUID

import msgspec

from appliance.database.connection import current_connection, read_connection
from appliance.database.identifiers import uuid7
from appliance.identity.directories.plans import SyncChange, What

_LINES: Final = 500
_READ: Final = """
SELECT changes FROM sync_change_page WHERE run = $1 AND ($2 = '' OR what = $2) ORDER BY id
"""
_WRITE: Final = """
INSERT INTO sync_change_page (id, run, what, changes)
SELECT n.id, $1, n.what, n.changes FROM unnest($2::uuid[], $3::text[], $4::bytea[]) AS n(id, what, changes)
"""
_ENCODE: Final = msgspec.msgpack.Encoder().encode
_DECODE: Final = msgspec.msgpack.Decoder(tuple[SyncChange, ...]).decode


async def changes_of(run_id: UUID, *, what: What | None = None, limit: int | None = None) -> tuple[SyncChange, ...]:
    """What a run did, or would do as long as it is held, in the order in which it was written."""
    found: list[SyncChange] = []
    async with read_connection() as connection:
        for row in await connection.fetch(_READ, run_id, what.value if what else ""):
            if limit is not None and len(found) >= limit:
                break
            found += _DECODE(row["changes"])
    return tuple(found[:limit])


async def store_changes(run_id: UUID, changes: Iterable[SyncChange]) -> None:
    """The run's difference, in place of what was stored before; inside the running transaction."""
    connection = current_connection()
    await connection.execute("DELETE FROM sync_change_page WHERE run = $1", run_id)
    pages = list(_pages(changes))
    kinds, written = [page[0].what.value for page in pages], [_ENCODE(page) for page in pages]
    await connection.execute(_WRITE, run_id, [uuid7() for _ in pages], kinds, written)


def _pages(changes: Iterable[SyncChange]) -> Iterator[list[SyncChange]]:
    page: list[SyncChange] = []
    for change in changes:
        if page and (len(page) == _LINES or page[0].what is not change.what):
            yield page
            page = []
        page.append(change)
    if page:
        yield page
