from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from appliance.database.connection import current_connection

ID = "2026-11-30T16:39:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Carry memberships over to their accounts"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="identity", description=DESCRIPTION)

    async def carry_over():
        await current_connection().execute(
            "UPDATE external_account a SET groups = m.groups FROM (SELECT account, "
            "array_agg(identity_group ORDER BY identity_group) AS groups FROM group_member GROUP BY account) m "
            "WHERE m.account = a.id"
        )

    manager.add_raw(carry_over)
    return manager
