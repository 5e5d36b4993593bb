from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from appliance.database.connection import current_connection

ID = "2026-11-24T15:57:20:000000"
VERSION = "1.38.0"
DESCRIPTION = "Find the machines of one name and address; a token is never used more often than it may"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="agents", description=DESCRIPTION)

    async def index():
        connection = current_connection()
        await connection.execute("CREATE INDEX machine_name ON machine (email, hostname, id)")
        await connection.execute(
            "ALTER TABLE deployment_token ADD CONSTRAINT deployment_token_uses CHECK (max_uses IS NULL OR uses <= max_uses)"
        )

    manager.add_raw(index)
    return manager
