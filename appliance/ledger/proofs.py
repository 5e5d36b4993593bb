"""Inclusion proofs from what is stored: only the leaves of one batch are read, however large the tree is."""

from appliance.database.connection import Connection
from appliance.ledger.errors import LedgerForkedError
from appliance.ledger.records import InclusionProof, StoredCheckpoint
from appliance.ledger.tree import Frontier, Range, inclusion_ranges, root_from_inclusion

_COVERING = """
SELECT tree_size, root_hash, note, sealed_at FROM ledger_checkpoint WHERE tree_size > $1 ORDER BY tree_size LIMIT 1
"""
_BEFORE = """
SELECT tree_size, frontier FROM ledger_checkpoint WHERE tree_size <= $1 ORDER BY tree_size DESC LIMIT 1
"""
_LEAVES = "SELECT leaf_hash FROM ledger_leaf WHERE leaf_index >= $1 AND leaf_index < $2 ORDER BY leaf_index"


async def inclusion_proof(connection: Connection, index: int, leaf: bytes) -> InclusionProof:
    """The proof that `leaf` is in the tree of the checkpoint that sealed it.

    Raises:
        LedgerForkedError: what is stored does not lead to the signed root.
    """
    row = await connection.fetchrow(_COVERING, index)
    if row is None:
        raise LedgerForkedError(f"No checkpoint covers leaf {index}")
    checkpoint = StoredCheckpoint(*row)
    before = await connection.fetchrow(_BEFORE, index)
    size, state = before or (0, b"")
    rows = await connection.fetch(_LEAVES, size, checkpoint.tree_size)
    try:
        path = proof_path(index, checkpoint.tree_size, Frontier.from_state(size, state), [row[0] for row in rows])
    except (ValueError, LookupError) as problem:
        raise LedgerForkedError(f"The tree around leaf {index} is damaged: {problem}") from problem
    if root_from_inclusion(index, checkpoint.tree_size, leaf, path) != checkpoint.root:
        raise LedgerForkedError(f"Leaf {index} does not lead to the signed root of {checkpoint.tree_size} leaves")
    return InclusionProof(leaf_index=index, leaf_hash=leaf, path=path, checkpoint=checkpoint)


def proof_path(index: int, size: int, start: Frontier, leaves: list[bytes]) -> tuple[bytes, ...]:
    """The path from leaf `index` to the root of a tree of `size` leaves.

    `start` is the frontier at or before `index`, and `leaves` are the leaf hashes from there to `size`; `start` grows.
    Left of a leaf, a path has exactly the subtrees that make up the tree that ended before it.
    """
    first = start.size
    for leaf in leaves[: index - first]:
        start.append(leaf)
    left: dict[Range, bytes] = start.ranges()
    return tuple(
        left[low, high] if high <= index else _root(leaves[low - first : high - first], high - low)
        for low, high in inclusion_ranges(index, size)
    )


def _root(leaves: list[bytes], count: int) -> bytes:
    if len(leaves) != count:
        message = f"{len(leaves)} of {count} leaves are there"
        raise LookupError(message)
    tree = Frontier()
    for leaf in leaves:
        tree.append(leaf)
    return tree.root()
