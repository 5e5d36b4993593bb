"""The sealer: numbers what was committed, grows the tree, signs its root; one at a time, each batch in one commit."""

from datetime import datetime
from typing import Any

import msgspec

from appliance.database.connection import Connection, current_connection
from appliance.database.transaction import transaction
from appliance.ledger.checkpoints import opened, sign
from appliance.ledger.errors import LedgerForkedError
from appliance.ledger.note import Checkpoint, Signer
from appliance.ledger.tree import Frontier

# Bounds the sealer's transaction, the proof of a leaf, and what a page with a proof costs.
BATCH_MAX = 4096
# Any constant will do, as long as every release uses the same one.
_SEAL_LOCK = 0x6C656173685345

# The whole queue is taken in the order of its key, so that a long one need not be sorted, and numbered within the
# batch by time. LATERAL with OFFSET 0 keeps the planner from joining the whole ledger when its statistics of the
# queue are old. An entry that has its leaf already, or does not exist, stays in the queue for verification to find.
_SEAL = """
WITH batch AS (
  SELECT u.entry_id, u.recorded_at, e.body
  FROM ledger_unsealed u CROSS JOIN LATERAL (
    SELECT body FROM ledger_entry WHERE id = u.entry_id AND recorded_at = u.recorded_at OFFSET 0
  ) e
  WHERE NOT EXISTS (SELECT FROM ledger_leaf l WHERE l.entry_id = u.entry_id)
  ORDER BY u.entry_id LIMIT $2
), taken AS (
  DELETE FROM ledger_unsealed WHERE entry_id IN (SELECT entry_id FROM batch)
), sealed AS (
  INSERT INTO ledger_leaf (leaf_index, entry_id, recorded_at, leaf_hash)
  SELECT $1 + row_number() OVER (ORDER BY recorded_at, entry_id) - 1, entry_id, recorded_at,
    sha256('\\x00'::bytea || convert_to(body, 'UTF8'))
  FROM batch RETURNING leaf_index, leaf_hash
)
SELECT leaf_hash FROM sealed ORDER BY leaf_index
"""
_NEWEST = """
SELECT tree_size, root_hash, frontier, note, (SELECT max(leaf_index) FROM ledger_leaf) AS last_leaf
FROM ledger_checkpoint ORDER BY tree_size DESC LIMIT 1
"""
_WRITE = "INSERT INTO ledger_checkpoint (tree_size, root_hash, frontier, note, sealed_at) VALUES ($1, $2, $3, $4, $5)"
_LEAVES = "SELECT leaf_hash FROM ledger_leaf WHERE leaf_index >= $1 AND leaf_index < $2 ORDER BY leaf_index"


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """What one transaction of the sealer did; `note` is the newest checkpoint, whether it is new or not."""

    sealed: int
    size: int
    note: str
    is_busy: bool = False


async def seal_batch(signer: Signer, witness: Checkpoint | None, now: datetime) -> Batch:
    """Seal at most BATCH_MAX entries; `witness` is the checkpoint that was kept outside the database.

    Raises:
        LedgerForkedError: the database does not hold, or does not continue, what was signed before.
        CheckpointInvalidError: the newest checkpoint in the database is not ours.
    """
    async with transaction():
        connection = current_connection()
        is_ours = await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", _SEAL_LOCK)
        row = await connection.fetchrow(_NEWEST)
        if not is_ours:
            return Batch(sealed=0, size=row["tree_size"] if row else 0, note=row["note"] if row else "", is_busy=True)
        frontier = _frontier(signer, row) if row else await _empty(connection)
        await _compare(connection, frontier, witness)
        previous = frontier.size
        leaves = await connection.fetch(_SEAL, previous, BATCH_MAX)
        if not leaves:
            return Batch(sealed=0, size=previous, note=row["note"] if row else "")
        for (leaf,) in leaves:
            frontier.append(leaf)
        root = frontier.root()
        note = sign(signer, size=frontier.size, root=root, previous=previous, sealed_at=now)
        await connection.execute(_WRITE, frontier.size, root, frontier.state(), note, now)
    return Batch(sealed=len(leaves), size=frontier.size, note=note)


def _frontier(signer: Signer, row: Any) -> Frontier:  # noqa: ANN401 - asyncpg.Record
    """The tree so far, from the newest checkpoint; only what our key has signed is built upon."""
    size, last = row["tree_size"], row["last_leaf"]
    signed = opened(signer.verifier, row["note"])
    try:
        frontier = Frontier.from_state(size, row["frontier"])
    except ValueError as problem:
        raise LedgerForkedError(f"The newest checkpoint in the database is damaged: {problem}") from problem
    if (signed.size, signed.root) != (size, frontier.root()) or row["root_hash"] != signed.root:
        raise LedgerForkedError("The newest checkpoint in the database is not what was signed")
    if last != size - 1:
        raise LedgerForkedError(f"The newest checkpoint covers {size} leaves, but the last leaf is {last}")
    return frontier


async def _empty(connection: Connection) -> Frontier:
    if await connection.fetchval("SELECT count(*) FROM (SELECT FROM ledger_leaf LIMIT 1) AS any_leaf"):
        raise LedgerForkedError("The database holds leaves, but no checkpoint")
    return Frontier()


async def _compare(connection: Connection, tree: Frontier, witness: Checkpoint | None) -> None:
    """Whether the tree in the database is the one of `witness`, or continues it."""
    if witness is None or (witness.size, witness.root) == (tree.size, tree.root()):
        return
    if witness.size > tree.size:
        raise LedgerForkedError(
            f"The database holds {tree.size} sealed entries, but {witness.size} were signed: it may be a restored one"
        )
    if witness.size == tree.size or not await _continues(connection, tree, witness):
        raise LedgerForkedError(f"The first {witness.size} sealed entries are not those that were signed")


async def _continues(connection: Connection, tree: Frontier, witness: Checkpoint) -> bool:
    """The sealer was killed before it wrote its file, or another process sealed: is it the same tree, grown?"""
    state = await connection.fetchval(
        "SELECT frontier FROM ledger_checkpoint WHERE tree_size = $1 AND root_hash = $2", witness.size, witness.root
    )
    if state is None:
        return False
    try:
        grown = Frontier.from_state(witness.size, state)
    except ValueError:
        return False
    if grown.root() != witness.root:
        return False
    async for (leaf,) in connection.cursor(_LEAVES, witness.size, tree.size, prefetch=BATCH_MAX):
        grown.append(leaf)
    return grown.root() == tree.root()
