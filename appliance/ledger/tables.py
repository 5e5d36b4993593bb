"""The ledger's tables; entries and parts are partitioned by month, with the keys that grants and migrations state."""

from piccolo.columns import UUID, BigInt, Bytea, Text, Timestamptz
from piccolo.table import Table


class LedgerEntryRow(Table, tablename="ledger_entry"):
    """An entry; `body` is what its leaf hashes. Key: (id, recorded_at)."""

    id = UUID(primary_key=True, default=None)
    recorded_at = Timestamptz(default=None)
    event = Text()
    actor_kind = Text()
    actor_id = Text()
    subject = Text()
    body = Text()


class LedgerPayload(Table, tablename="ledger_payload"):
    """Content that an entry commits to; only the retention role may delete it. Key: (entry_id, part, recorded_at)."""

    entry_id = UUID(primary_key=True, default=None)
    recorded_at = Timestamptz(default=None)
    part = Text()
    salt = Bytea(default=None)
    content = Text()


class LedgerUnsealed(Table, tablename="ledger_unsealed"):
    """The sealer's queue."""

    entry_id = UUID(primary_key=True, default=None)
    recorded_at = Timestamptz(default=None)


class LedgerLeaf(Table, tablename="ledger_leaf"):
    """A leaf's place in the tree."""

    leaf_index = BigInt(primary_key=True, default=None)
    entry_id = UUID(default=None, unique=True)
    recorded_at = Timestamptz(default=None)
    leaf_hash = Bytea(default=None)


class LedgerCheckpoint(Table, tablename="ledger_checkpoint"):
    """A signed checkpoint; `frontier` is `tree.Frontier.state()` at its size."""

    tree_size = BigInt(primary_key=True, default=None)
    root_hash = Bytea(default=None)
    frontier = Bytea(default=None)
    note = Text()
    sealed_at = Timestamptz(default=None)
