from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from appliance.database.connection import current_connection

ID = "2026-11-22T22:58:40:000000"
VERSION = "1.38.0"
DESCRIPTION = "Each role and each recovery code of a person once"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="identity", description=DESCRIPTION)

    async def index():
        connection = current_connection()
        await connection.execute("CREATE UNIQUE INDEX person_role_once ON person_role (person, role)")
        await connection.execute("CREATE UNIQUE INDEX recovery_code_once ON recovery_code (person, code_hash)")

    manager.add_raw(index)
    return manager
