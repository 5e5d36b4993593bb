"""Registers the feature's tables and migrations with Piccolo."""

from pathlib import Path

from piccolo.conf.apps import AppConfig

from appliance.identity.providers.tables import OidcFlow, OidcLogoutToken, OidcSession

APP_CONFIG = AppConfig(
    app_name="providers",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[OidcFlow, OidcSession, OidcLogoutToken],
    migration_dependencies=[],
)
