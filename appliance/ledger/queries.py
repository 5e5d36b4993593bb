"""Reading entries, proofs and checkpoints."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from appliance.database.connection import Connection, read_connection
from appliance.ledger.errors import EntryUnknownError
from appliance.ledger.proofs import inclusion_proof
from appliance.ledger.records import EntryDetail, PreparedPart, StoredCheckpoint, StoredEntry
from appliance.ledger.rules import commitments_of, decoded

# So many that a walk from the newest entry finds them; the index on events leaves them out (see the migration).
FREQUENT_EVENTS = ("decision.allowed", "decision.denied")

_COLUMNS = "e.id, e.recorded_at, e.event, e.actor_kind, e.actor_id, e.subject, e.body"
_ENTRY = f"""
SELECT {_COLUMNS}, l.leaf_index, l.leaf_hash
FROM ledger_entry e LEFT JOIN ledger_leaf l ON l.entry_id = e.id AND l.recorded_at = e.recorded_at
WHERE e.id = $1 ORDER BY l.leaf_index LIMIT 1
"""  # noqa: S608 - column names of this module
_PARTS = "SELECT part, salt, content FROM ledger_payload WHERE entry_id = $1 AND recorded_at = $2 ORDER BY part"
# Identifiers are UUIDv7: their order is the order in time, and their index serves paging in every partition.
_PAGE = f"""
SELECT {_COLUMNS}, l.leaf_index FROM (
  SELECT * FROM ledger_entry WHERE ($1::uuid IS NULL OR id < $1) {{condition}} ORDER BY id DESC LIMIT $2
) e LEFT JOIN LATERAL (
  SELECT leaf_index FROM ledger_leaf WHERE entry_id = e.id AND recorded_at = e.recorded_at LIMIT 1
) l ON true
ORDER BY e.id DESC
"""  # noqa: S608 - as above
_NOT_FREQUENT = f"AND event NOT IN ({', '.join(repr(event) for event in FREQUENT_EVENTS)})"
# An entry's payload is recorded at the moment of its entry; the bounds keep months out that cannot hold any of them.
_PAYLOADS = """
SELECT p.entry_id, p.content FROM ledger_entry e JOIN ledger_payload p
  ON p.entry_id = e.id AND p.recorded_at = e.recorded_at AND p.part = 'payload'
WHERE e.id = ANY ($1::uuid[]) AND octet_length(p.content) <= $2
"""
_CHECKPOINTS = "SELECT tree_size, root_hash, note, sealed_at FROM ledger_checkpoint ORDER BY tree_size DESC LIMIT $1"


def _entry(row: Any) -> StoredEntry:  # noqa: ANN401 - asyncpg.Record
    return StoredEntry(**{name: row[name] for name in StoredEntry.__struct_fields__})


async def list_entries(*, before: UUID | None = None, event: str = "", limit: int = 50) -> list[StoredEntry]:
    """Entries, newest first.

    Args:
        before: only entries older than this one.
        event: only this event, or all that begin so if it ends with a dot; any event if empty.
        limit: how many at most.
    """
    condition, arguments = _event_condition(event)
    async with read_connection() as connection:
        rows = await connection.fetch(_PAGE.format(condition=condition), before, limit, *arguments)
    return [_entry(row) for row in rows]


def _event_condition(event: str) -> tuple[str, tuple[str, ...]]:
    """SQL that narrows by event, with its parameters from `$3` on, such that an index or a short walk serves it."""
    if not event:
        return "", ()
    if event.endswith("."):
        last = event[:-1] + chr(ord(".") + 1)  # what comes after every text that begins so
        narrowed = 'AND event COLLATE "C" >= $3 AND event COLLATE "C" < $4'
        is_frequent = any(name.startswith(event) for name in FREQUENT_EVENTS)
        return narrowed if is_frequent else f"{narrowed} {_NOT_FREQUENT}", (event, last)
    narrowed = 'AND event COLLATE "C" = $3'
    return narrowed if event in FREQUENT_EVENTS else f"{narrowed} {_NOT_FREQUENT}", (event,)


async def entry_detail(entry_id: UUID) -> EntryDetail:
    """An entry with its content and, once it is sealed, the proof that it is in a signed tree.

    Raises:
        EntryUnknownError: there is none.
        LedgerForkedError: it has a leaf that no signed tree holds; `leashctl ledger verify` tells more.
    """
    async with read_connection() as connection:
        row = await connection.fetchrow(_ENTRY, entry_id)
        if row is None:
            raise EntryUnknownError(f"The ledger has no entry {entry_id}")
        entry = _entry(row)
        parts = await _parts(connection, entry)
        leaf = row["leaf_hash"]
        proof = None if leaf is None else await inclusion_proof(connection, row["leaf_index"], leaf)
    kept = {part.part for part in parts}
    missing = tuple(name for name in commitments_of(decoded(entry.body)) if name not in kept)
    return EntryDetail(entry=entry, parts=parts, missing_parts=missing, proof=proof)


async def payloads_of(entry_ids: Sequence[UUID], *, bytes_max: int) -> dict[UUID, Mapping[str, Any]]:
    """The contents of these entries, by identifier; without those that were deleted or are larger than `bytes_max`."""
    if not entry_ids:
        return {}
    async with read_connection() as connection:
        rows = await connection.fetch(_PAYLOADS, list(entry_ids), bytes_max)
    contents = ((row["entry_id"], msgspec.json.decode(row["content"])) for row in rows)
    return {entry: content for entry, content in contents if isinstance(content, dict)}


async def _parts(connection: Connection, entry: StoredEntry) -> tuple[PreparedPart, ...]:
    rows = await connection.fetch(_PARTS, entry.id, entry.recorded_at)
    return tuple(PreparedPart(part, salt, content) for part, salt, content in rows)


async def count_unsealed() -> int:
    """How many entries wait for the sealer."""
    async with read_connection() as connection:
        return int(await connection.fetchval("SELECT count(*) FROM ledger_unsealed"))


async def list_checkpoints(limit: int) -> list[StoredCheckpoint]:
    """The last checkpoints, newest first."""
    async with read_connection() as connection:
        rows = await connection.fetch(_CHECKPOINTS, limit)
    return [StoredCheckpoint(*row) for row in rows]


async def newest_checkpoint() -> StoredCheckpoint | None:
    """The newest checkpoint, or None while nothing is sealed."""
    found = await list_checkpoints(1)
    return found[0] if found else None
