from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from appliance.database.connection import current_connection

ID = "2026-11-24T19:56:10:000000"
VERSION = "1.38.0"
DESCRIPTION = "Each account, group, member and grant once"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="identity", description=DESCRIPTION)

    async def index():
        connection = current_connection()
        await connection.execute("CREATE UNIQUE INDEX external_account_once ON external_account (source, key)")
        await connection.execute("CREATE UNIQUE INDEX identity_group_once ON identity_group (source, key)")
        await connection.execute("CREATE UNIQUE INDEX group_member_once ON group_member (account, identity_group)")
        await connection.execute("CREATE UNIQUE INDEX group_grant_once ON group_grant (identity_group, role, project)")
        await connection.execute("ALTER TABLE group_grant ADD CONSTRAINT group_grant_role CHECK (role <> '')")

    manager.add_raw(index)
    return manager
