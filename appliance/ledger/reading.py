"""Reading the sealed ledger in order, in pieces that fit into memory; for verification and export."""

from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from appliance.database.connection import read_connection
from appliance.ledger.records import PreparedPart, StoredCheckpoint, StoredEntry

LEAVES_A_PIECE = 500

# Each piece is a statement of its own: a snapshot that lasts for hours would keep the queue's dead rows alive.
# What was sealed when the reading began never changes lawfully, except for parts that retention deletes.
_BOUND = """
SELECT greatest((SELECT max(tree_size) FROM ledger_checkpoint), (SELECT max(leaf_index) + 1 FROM ledger_leaf), 0)
"""
_LEAVES = """
SELECT l.leaf_index, l.entry_id, l.recorded_at AS sealed_time, l.leaf_hash, e.*
FROM ledger_leaf l LEFT JOIN LATERAL (
  SELECT id, recorded_at, event, actor_kind, actor_id, subject, body
  FROM ledger_entry WHERE id = l.entry_id AND recorded_at = l.recorded_at OFFSET 0
) e ON true
WHERE l.leaf_index > $1 AND l.leaf_index < $2 ORDER BY l.leaf_index LIMIT $3
"""
_PARTS = """
SELECT p.entry_id, p.part, p.salt, p.content
FROM unnest($1::uuid[], $2::timestamptz[]) AS k(id, moment) CROSS JOIN LATERAL (
  SELECT entry_id, part, salt, content FROM ledger_payload WHERE entry_id = k.id AND recorded_at = k.moment OFFSET 0
) p
"""
_CHECKPOINTS = """
SELECT tree_size, root_hash, frontier, note, sealed_at FROM ledger_checkpoint
WHERE tree_size > $1 AND tree_size <= $2 ORDER BY tree_size
"""
# Entries that are neither sealed nor waiting, and queue rows that the sealer will never take. The counts of one
# snapshot tell cheaply whether there can be any.
_COUNTS = """
SELECT l.leaves, l.below, (SELECT count(*) FROM ledger_unsealed) AS waiting,
  (SELECT count(*) FROM ledger_entry) AS entries
FROM (SELECT count(*) AS leaves, count(*) FILTER (WHERE leaf_index < $1) AS below FROM ledger_leaf) l
"""
_LOST_ENTRIES = """
SELECT e.id FROM ledger_entry e
WHERE NOT EXISTS (SELECT FROM ledger_leaf l WHERE l.entry_id = e.id AND l.recorded_at = e.recorded_at)
  AND NOT EXISTS (SELECT FROM ledger_unsealed u WHERE u.entry_id = e.id AND u.recorded_at = e.recorded_at)
ORDER BY e.id LIMIT $1
"""
_LOST_PLACES = """
SELECT u.entry_id FROM ledger_unsealed u
WHERE EXISTS (SELECT FROM ledger_leaf l WHERE l.entry_id = u.entry_id)
  OR NOT EXISTS (SELECT FROM ledger_entry e WHERE e.id = u.entry_id AND e.recorded_at = u.recorded_at)
ORDER BY u.entry_id LIMIT $1
"""
_STRAYS_MAX = 100
_LONG = "SET LOCAL statement_timeout = '1h'; SET LOCAL transaction_timeout = 0"


class SealedLeaf(msgspec.Struct, frozen=True, kw_only=True):
    """A leaf with what it seals, as far as that is there.

    Attributes:
        entry_id, recorded_at: which entry the leaf names.
        entry: None if it is gone.
        parts: those that are still stored.
    """

    index: int
    hash: bytes
    entry_id: UUID
    recorded_at: datetime
    entry: StoredEntry | None
    parts: tuple[PreparedPart, ...]


class KeptCheckpoint(msgspec.Struct, frozen=True):
    """A checkpoint with the frontier that the sealer goes on from."""

    stored: StoredCheckpoint
    frontier: bytes


class Strays(msgspec.Struct, frozen=True):
    """What is outside the order of things: never sealed and never to be sealed; at most 100 of each are named.

    Attributes:
        entries: entries without leaf that do not wait either.
        places: places in the queue that are sealed already or have no entry.
        waiting: number of places in the queue.
        below: number of leaves below the bound of the reading.
    """

    entries: tuple[UUID, ...]
    places: tuple[UUID, ...]
    waiting: int
    below: int


async def sealed_bound() -> int:
    """Leaves that the database claims to hold now: by its checkpoints or by its leaves, whatever is more."""
    async with read_connection() as connection:
        return int(await connection.fetchval(_BOUND))


async def sealed_before(bound: int) -> AsyncIterator[list[SealedLeaf | KeptCheckpoint]]:
    """Everything sealed of a tree of `bound` leaves, in pieces: leaves, each checkpoint behind its last leaf."""
    after, reached = -(2**63), 0
    while True:
        async with read_connection() as connection:
            rows = await connection.fetch(_LEAVES, after, bound, LEAVES_A_PIECE)
            keys = [row["entry_id"] for row in rows], [row["sealed_time"] for row in rows]
            found = await connection.fetch(_PARTS, *keys) if rows else []
            after = rows[-1]["leaf_index"] if rows else bound
            end = after + 1 if rows else bound
            checkpoints = await connection.fetch(_CHECKPOINTS, reached, end)
        parts: dict[UUID, list[PreparedPart]] = {}
        for entry_id, part, salt, content in found:
            parts.setdefault(entry_id, []).append(PreparedPart(part, salt, content))
        yield list(_merged([_leaf(row, parts) for row in rows], [_checkpoint(row) for row in checkpoints]))
        if not rows:
            return
        reached = max(reached, end)


def _merged(
    leaves: Iterable[SealedLeaf], checkpoints: Iterable[KeptCheckpoint]
) -> Iterator[SealedLeaf | KeptCheckpoint]:
    waiting = deque(checkpoints)
    for leaf in leaves:
        while waiting and waiting[0].stored.tree_size <= leaf.index:
            yield waiting.popleft()
        yield leaf
    yield from waiting


def _leaf(row: Any, parts: dict[UUID, list[PreparedPart]]) -> SealedLeaf:  # noqa: ANN401 - asyncpg.Record
    has_entry = row["id"] is not None
    return SealedLeaf(
        index=row["leaf_index"],
        hash=row["leaf_hash"],
        entry_id=row["entry_id"],
        recorded_at=row["sealed_time"],
        entry=StoredEntry(**{name: row[name] for name in StoredEntry.__struct_fields__}) if has_entry else None,
        parts=tuple(parts.get(row["entry_id"], ())),
    )


def _checkpoint(row: Any) -> KeptCheckpoint:  # noqa: ANN401 - asyncpg.Record
    size, root, frontier, note, sealed_at = row
    return KeptCheckpoint(StoredCheckpoint(size, root, note, sealed_at), frontier)


async def strays(bound: int, *, is_suspected: bool) -> Strays:
    """What is neither sealed nor properly waiting; looked for thoroughly if the counts differ or `is_suspected`."""
    async with read_connection() as connection, connection.transaction(readonly=True):
        await connection.execute(_LONG)
        counts = await connection.fetchrow(_COUNTS, bound)
        places = tuple(row[0] for row in await connection.fetch(_LOST_PLACES, _STRAYS_MAX))
        entries: tuple[UUID, ...] = ()
        if is_suspected or places or counts["entries"] != counts["leaves"] + counts["waiting"]:
            entries = tuple(row[0] for row in await connection.fetch(_LOST_ENTRIES, _STRAYS_MAX))
        return Strays(entries, places, counts["waiting"], counts["below"])
