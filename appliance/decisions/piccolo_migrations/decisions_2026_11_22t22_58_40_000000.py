from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from appliance.database.partitions import partition_by_month

ID = "2026-11-22T22:58:40:000000"
VERSION = "1.38.0"
DESCRIPTION = "Partition decisions by month"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="decisions", description=DESCRIPTION)

    async def partition():
        await partition_by_month("decision", "created_at", ("id", "created_at"))

    manager.add_raw(partition)
    return manager
