"""Registers the feature's tables and migrations with Piccolo."""

from pathlib import Path

from piccolo.conf.apps import AppConfig

from appliance.identity.flows.tables import AppCode, AppFlow

APP_CONFIG = AppConfig(
    app_name="sign_in_flows",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[AppFlow, AppCode],
    migration_dependencies=[],
)
