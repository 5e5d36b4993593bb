from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from appliance.database.connection import current_connection

ID = "2026-11-24T20:32:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Each entry of a directory once, and one run of it under way"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="directories", description=DESCRIPTION)

    async def index():
        connection = current_connection()
        await connection.execute("CREATE UNIQUE INDEX directory_entry_once ON directory_entry (directory, key)")
        await connection.execute("CREATE UNIQUE INDEX sync_run_alone ON sync_run (directory) WHERE state = 'running'")

    manager.add_raw(index)
    return manager
