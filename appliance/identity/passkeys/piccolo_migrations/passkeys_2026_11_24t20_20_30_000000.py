from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from appliance.database.connection import current_connection

ID = "2026-11-24T20:20:30:000000"
VERSION = "1.38.0"
DESCRIPTION = "A passkey goes with its person's password, and a challenge with its session"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="passkeys", description=DESCRIPTION)

    async def constrain():
        connection = current_connection()
        await connection.execute(
            "ALTER TABLE passkey ADD CONSTRAINT passkey_of_credential "
            "FOREIGN KEY (person) REFERENCES local_credential (person) ON DELETE CASCADE"
        )
        await connection.execute(
            "ALTER TABLE passkey_challenge ADD CONSTRAINT passkey_challenge_of_session "
            "FOREIGN KEY (session) REFERENCES session (id) ON DELETE CASCADE"
        )
        await connection.execute("CREATE INDEX passkey_challenge_by_session ON passkey_challenge (session)")

    manager.add_raw(constrain)
    return manager
