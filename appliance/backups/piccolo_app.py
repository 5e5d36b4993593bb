"""Registers the feature's tables and migrations with Piccolo."""

from pathlib import Path

from piccolo.conf.apps import AppConfig

from appliance.backups.tables import BackupRun, LogState

APP_CONFIG = AppConfig(
    app_name="backups",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[BackupRun, LogState],
    migration_dependencies=[],
)
