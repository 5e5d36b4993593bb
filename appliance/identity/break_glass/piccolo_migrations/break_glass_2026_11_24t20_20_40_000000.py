from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from appliance.database.connection import current_connection

ID = "2026-11-24T20:20:40:000000"
VERSION = "1.38.0"
DESCRIPTION = "One owner behind glass, who is a person"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="break_glass", description=DESCRIPTION)

    async def constrain():
        connection = current_connection()
        for table in ("sealed_owner", "unsealing"):
            await connection.execute(
                f"ALTER TABLE {table} ADD CONSTRAINT {table}_of_person "
                "FOREIGN KEY (person) REFERENCES person (id) ON DELETE CASCADE"
            )
        await connection.execute("CREATE UNIQUE INDEX sealed_owner_alone ON sealed_owner ((true))")

    manager.add_raw(constrain)
    return manager
