"""Approvals for Piccolo's registry."""

from pathlib import Path

from piccolo.conf.apps import AppConfig

from appliance.approvals.tables import Ask, AskAnswer

APP_CONFIG = AppConfig(
    app_name="approvals",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[Ask, AskAnswer],
    migration_dependencies=[],
)
