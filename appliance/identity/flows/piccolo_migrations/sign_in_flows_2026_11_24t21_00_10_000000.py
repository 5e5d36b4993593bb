from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.column_types import UUID
from piccolo.columns.indexes import IndexMethod

ID = "2026-11-24T21:00:10:000000"
VERSION = "1.38.0"
DESCRIPTION = "A code ends with the session that issued it"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="sign_in_flows", description=DESCRIPTION)

    manager.add_column(
        table_class_name="AppCode",
        tablename="app_code",
        column_name="issued_by",
        db_column_name="issued_by",
        column_class_name="UUID",
        column_class=UUID,
        params={
            "default": None,
            "null": True,
            "primary_key": False,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema=None,
    )

    return manager
