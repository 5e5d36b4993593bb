"""This feature in Piccolo's registry."""

from pathlib import Path

from piccolo.conf.apps import AppConfig

from appliance.policy.tables import TABLES

APP_CONFIG = AppConfig(
    app_name="policy",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=list(TABLES),
    migration_dependencies=[],
    commands=[],
)
