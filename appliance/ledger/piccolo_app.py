"""Registers the ledger's tables and migrations with Piccolo."""

from pathlib import Path

from piccolo.conf.apps import AppConfig

from appliance.ledger.tables import LedgerCheckpoint, LedgerEntryRow, LedgerLeaf, LedgerPayload, LedgerUnsealed

APP_CONFIG = AppConfig(
    app_name="ledger",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[LedgerEntryRow, LedgerPayload, LedgerUnsealed, LedgerLeaf, LedgerCheckpoint],
    migration_dependencies=[],
    commands=[],
)
