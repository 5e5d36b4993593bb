"""Registers the feature's tables and migrations with Piccolo."""

from pathlib import Path

from piccolo.conf.apps import AppConfig

from appliance.identity.break_glass.tables import SealedOwner, Unsealing

APP_CONFIG = AppConfig(
    app_name="break_glass",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[SealedOwner, Unsealing],
    migration_dependencies=[],
)
