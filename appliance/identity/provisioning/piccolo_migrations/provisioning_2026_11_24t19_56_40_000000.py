from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from appliance.database.connection import current_connection

ID = "2026-11-24T19:56:40:000000"
VERSION = "1.38.0"
DESCRIPTION = "Each userName of a provider once, and each member of a group once"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="provisioning", description=DESCRIPTION)

    async def index():
        connection = current_connection()
        for statement in (
            "CREATE UNIQUE INDEX scim_user_name_once ON scim_user (provider, user_name_key) WHERE deleted_at IS NULL",
            "CREATE INDEX scim_user_name ON scim_user (provider, user_name_key)",
            "CREATE INDEX scim_user_external_id ON scim_user (provider, external_id)",
            "CREATE INDEX scim_group_name ON scim_group (provider, lower(display_name))",
            "CREATE UNIQUE INDEX scim_member_user_once ON scim_member (holder, user_member)",
            "CREATE UNIQUE INDEX scim_member_group_once ON scim_member (holder, group_member)",
            "ALTER TABLE scim_member ADD CONSTRAINT scim_member_one "
            "CHECK ((user_member IS NULL) <> (group_member IS NULL))",
        ):
            await connection.execute(statement)

    manager.add_raw(index)
    return manager
