"""Registers the feature's tables and migrations with Piccolo."""

from pathlib import Path

from piccolo.conf.apps import AppConfig

from appliance.identity.passkeys.tables import PasskeyChallenge, PasskeyRow

APP_CONFIG = AppConfig(
    app_name="passkeys",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[PasskeyRow, PasskeyChallenge],
    migration_dependencies=[],
)
