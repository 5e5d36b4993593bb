from piccolo.apps.migrations.auto.migration_manager import MigrationManager

ID = "2026-11-30T16:39:10:000000"
VERSION = "1.38.0"
DESCRIPTION = "No row for each entry of a directory and each line of a run any more"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="directories", description=DESCRIPTION)
    manager.drop_table(class_name="DirectoryEntry", tablename="directory_entry", schema=None)
    manager.drop_table(class_name="SyncChangeRow", tablename="sync_change", schema=None)
    return manager
