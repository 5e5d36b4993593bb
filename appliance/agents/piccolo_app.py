"""Agents for Piccolo's registry."""

from pathlib import Path

from piccolo.conf.apps import AppConfig

from appliance.agents.tables import DeploymentTokenRow, MachineRow

APP_CONFIG = AppConfig(
    app_name="agents",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[DeploymentTokenRow, MachineRow],
    migration_dependencies=[],
)
