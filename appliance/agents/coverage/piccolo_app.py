"""Coverage for Piccolo's registry."""

from pathlib import Path

from piccolo.conf.apps import AppConfig

from appliance.agents.coverage.tables import AgentRuntime

APP_CONFIG = AppConfig(
    app_name="coverage",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[AgentRuntime],
    migration_dependencies=[],
)
