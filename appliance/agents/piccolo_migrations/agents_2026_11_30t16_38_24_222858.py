from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.column_types import UUID

ID = "2026-11-30T16:38:24:222858"
VERSION = "1.38.0"
DESCRIPTION = ""


async def forwards():
    manager = MigrationManager(
        migration_id=ID, app_name="agents", description=DESCRIPTION
    )

    manager.alter_column(
        table_class_name="MachineRow",
        tablename="machine",
        column_name="deployment_token_id",
        db_column_name="deployment_token_id",
        params={"null": True},
        old_params={"null": False},
        column_class=UUID,
        old_column_class=UUID,
        schema=None,
    )

    return manager
