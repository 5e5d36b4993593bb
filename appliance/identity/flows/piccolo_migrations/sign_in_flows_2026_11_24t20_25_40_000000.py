from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from appliance.database.connection import current_connection

ID = "2026-11-24T20:25:40:000000"
VERSION = "1.38.0"
DESCRIPTION = "No code outlives its person"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="sign_in_flows", description=DESCRIPTION)

    async def constrain():
        await current_connection().execute(
            "ALTER TABLE app_code ADD CONSTRAINT app_code_of_person "
            "FOREIGN KEY (person) REFERENCES person (id) ON DELETE CASCADE"
        )

    manager.add_raw(constrain)
    return manager
