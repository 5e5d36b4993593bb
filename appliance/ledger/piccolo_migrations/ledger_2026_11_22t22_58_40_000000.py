from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from appliance.database.connection import current_connection
from appliance.database.partitions import partition_by_month

ID = "2026-11-22T22:58:40:000000"
VERSION = "1.38.0"
DESCRIPTION = "Partition the ledger by month, and state what its rows must hold"

STATEMENTS = (
    # The two events of the hot path are left out: they are so many that a walk from the newest entry finds them,
    # and each index costs every decision. `queries` names the same two.
    """CREATE INDEX ledger_entry_by_event ON ledger_entry (event COLLATE "C", id)
       WHERE event NOT IN ('decision.allowed', 'decision.denied')""",
    """ALTER TABLE ledger_payload ADD CONSTRAINT ledger_payload_part CHECK (part IN ('personal', 'payload')),
       ADD CONSTRAINT ledger_payload_salt CHECK (octet_length(salt) = 32)""",
    """ALTER TABLE ledger_leaf ADD CONSTRAINT ledger_leaf_index CHECK (leaf_index >= 0),
       ADD CONSTRAINT ledger_leaf_hash CHECK (octet_length(leaf_hash) = 32)""",
    """ALTER TABLE ledger_checkpoint ADD CONSTRAINT ledger_checkpoint_size CHECK (tree_size > 0),
       ADD CONSTRAINT ledger_checkpoint_root CHECK (octet_length(root_hash) = 32)""",
    # The queue is emptied twice a second: its dead rows must go long before a fifth of it is dead.
    """ALTER TABLE ledger_unsealed SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000,
       autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 10000)""",
)


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="ledger", description=DESCRIPTION)

    async def partition():
        await partition_by_month("ledger_entry", "recorded_at", ("id", "recorded_at"))
        await partition_by_month("ledger_payload", "recorded_at", ("entry_id", "part", "recorded_at"))
        connection = current_connection()
        for statement in STATEMENTS:
            await connection.execute(statement)

    manager.add_raw(partition)
    return manager
