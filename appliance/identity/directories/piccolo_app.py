"""This feature in Piccolo's registry."""

from pathlib import Path

from piccolo.conf.apps import AppConfig

from appliance.identity.directories.tables import DirectoryPage, SyncChangePage, SyncRun

APP_CONFIG = AppConfig(
    app_name="directories",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[SyncRun, SyncChangePage, DirectoryPage],
    migration_dependencies=[],
)
