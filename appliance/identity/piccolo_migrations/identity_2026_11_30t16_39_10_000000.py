from piccolo.apps.migrations.auto.migration_manager import MigrationManager

ID = "2026-11-30T16:39:10:000000"
VERSION = "1.38.0"
DESCRIPTION = "No row for each membership any more"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="identity", description=DESCRIPTION)
    manager.drop_table(class_name="GroupMember", tablename="group_member", schema=None)
    return manager
