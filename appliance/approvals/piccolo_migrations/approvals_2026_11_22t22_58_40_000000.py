from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from appliance.database.connection import current_connection

ID = "2026-11-22T22:58:40:000000"
VERSION = "1.38.0"
DESCRIPTION = "One open ask per call, one answer per person"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="approvals", description=DESCRIPTION)

    async def index():
        connection = current_connection()
        await connection.execute(
            "CREATE UNIQUE INDEX ask_open_once ON ask (attach_key) WHERE state IN ('pending', 'allowed')"
        )
        await connection.execute("CREATE INDEX ask_open ON ask (created_at, id) WHERE state IN ('pending', 'allowed')")
        await connection.execute("CREATE UNIQUE INDEX ask_answer_once ON ask_answer (ask_id, person_id)")

    manager.add_raw(index)
    return manager
