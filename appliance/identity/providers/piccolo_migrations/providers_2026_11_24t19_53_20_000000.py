from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from appliance.database.connection import current_connection

ID = "2026-11-24T19:53:20:000000"
VERSION = "1.38.0"
DESCRIPTION = "Nothing of a session outlives it, and a provider's logout finds its sessions"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="providers", description=DESCRIPTION)

    async def constrain():
        connection = current_connection()
        for table in ("oidc_flow", "oidc_session"):
            await connection.execute(
                f"ALTER TABLE {table} ADD CONSTRAINT {table}_of_session "
                "FOREIGN KEY (session) REFERENCES session (id) ON DELETE CASCADE"
            )
        await connection.execute("CREATE INDEX oidc_flow_by_session ON oidc_flow (session) WHERE session IS NOT NULL")
        await connection.execute("CREATE INDEX oidc_session_by_subject ON oidc_session (subject_hash)")
        await connection.execute("CREATE INDEX oidc_session_by_provider ON oidc_session (provider_session_hash)")

    manager.add_raw(constrain)
    return manager
