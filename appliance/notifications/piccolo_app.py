"""Registers the feature's tables and migrations with Piccolo."""

from pathlib import Path

from piccolo.conf.apps import AppConfig

from appliance.notifications.tables import (
    Address,
    Delivery,
    Destination,
    Notification,
    OnCall,
    Preference,
    Webhook,
)

APP_CONFIG = AppConfig(
    app_name="notifications",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[Notification, Delivery, Address, Webhook, Destination, Preference, OnCall],
    migration_dependencies=[],
)
