from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from appliance.database.connection import current_connection

ID = "2026-11-24T21:02:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Groups by name, to tell whether a name is one group's alone"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="identity", description=DESCRIPTION)

    async def index():
        await current_connection().execute("CREATE INDEX identity_group_name ON identity_group (source, name)")

    manager.add_raw(index)
    return manager
