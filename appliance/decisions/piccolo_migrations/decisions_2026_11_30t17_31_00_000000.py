from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from appliance.database.connection import current_connection

ID = "2026-11-30T17:31:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Find what was not plainly allowed, by person and by machine; what was costs no index"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="decisions", description=DESCRIPTION)

    async def index():
        connection = current_connection()
        notable = "WHERE outcome <> 'allow' OR secrets > 0"
        await connection.execute(f"CREATE INDEX decision_notable_person ON decision (person_id, id) {notable}")
        await connection.execute(f"CREATE INDEX decision_notable_machine ON decision (machine_id, id) {notable}")

    manager.add_raw(index)
    return manager
