"""Decisions for Piccolo's registry."""

from pathlib import Path

from piccolo.conf.apps import AppConfig

from appliance.decisions.tables import Decision

APP_CONFIG = AppConfig(
    app_name="decisions",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[Decision],
    migration_dependencies=[],
)
