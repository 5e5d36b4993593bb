from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from appliance.database.connection import current_connection

ID = "2026-11-30T16:36:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "What waits is found at once, each address is kept once, and goes with its person"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="notifications", description=DESCRIPTION)

    async def index():
        connection = current_connection()
        for statement in (
            "CREATE INDEX notification_unplanned ON notification (id) WHERE planned_at IS NULL",
            "CREATE UNIQUE INDEX notification_once ON notification (once) WHERE once IS NOT NULL",
            "CREATE INDEX notification_by_time ON notification (created_at)",
            "CREATE INDEX notification_delivery_waiting ON notification_delivery (destination, due_at) "
            "WHERE state = 'waiting'",
            "CREATE INDEX notification_delivery_of_ask ON notification_delivery (about) WHERE about IS NOT NULL",
            "CREATE INDEX notification_delivery_of_person ON notification_delivery (person, created_at)",
            "CREATE INDEX notification_delivery_dead ON notification_delivery (id) WHERE state = 'dead'",
            "CREATE UNIQUE INDEX notification_address_once ON notification_address (person, fingerprint)",
            "CREATE UNIQUE INDEX notification_on_call_once ON notification_on_call (role, person)",
            *(
                f"ALTER TABLE {table} ADD CONSTRAINT {table}_of_person "
                "FOREIGN KEY (person) REFERENCES person (id) ON DELETE CASCADE"
                for table in ("notification_address", "notification_preference", "notification_on_call")
            ),
        ):
            await connection.execute(statement)

    manager.add_raw(index)
    return manager
