"""Provisioning for Piccolo's registry."""

from pathlib import Path

from piccolo.conf.apps import AppConfig

from appliance.identity.provisioning.tables import ScimGroup, ScimMember, ScimToken, ScimUser

APP_CONFIG = AppConfig(
    app_name="provisioning",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[ScimToken, ScimUser, ScimGroup, ScimMember],
    migration_dependencies=[],
)
