"""One runner for the migrations of every feature, under one advisory lock."""

import contextlib
import importlib
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import msgspec
from piccolo.apps.migrations.commands.forwards import ForwardsMigrationManager
from piccolo.conf.apps import AppConfig

from appliance.database import roles
from appliance.database.connection import Connection, open_connection, session_settings
from appliance.database.errors import DatabaseError, SchemaNewerError, SchemaOlderError
from appliance.database.partitions import ENSURE_FUNCTION, ensure_partitions
from appliance.database.piccolo_conf import APP_REGISTRY, DB, FEATURES

# Any constant will do, as long as every release uses the same one.
MIGRATION_LOCK = 0x6C65617368
_MINUTES_10 = 600


class MigrationResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a run did: names of the migrations that it applied, in order."""

    applied: tuple[str, ...]


def _configs() -> Iterator[AppConfig]:
    for path in APP_REGISTRY.apps:
        yield importlib.import_module(path).APP_CONFIG


def known_migrations() -> set[tuple[str, str]]:
    """(feature, migration id) of each migration in this release."""
    known = set()
    for config in _configs():
        runner = ForwardsMigrationManager(app_name=config.app_name)
        modules = runner.get_migration_modules(config.resolved_migrations_folder_path)
        known |= {(config.app_name, name) for name in modules}
    return known


async def applied_migrations(connection: Connection) -> set[tuple[str, str]]:
    """(feature, migration id) of each migration that the database has seen."""
    if await connection.fetchval("SELECT to_regclass('migration')") is None:
        return set()
    rows = await connection.fetch("SELECT app_name, name FROM migration")
    return {(row["app_name"], row["name"]) for row in rows}


async def check_schema(connection: Connection) -> None:
    """Compare the database with this release.

    Raises:
        SchemaNewerError: it has migrations that this release does not know.
        SchemaOlderError: migrations of this release have not run.
    """
    known, applied = known_migrations(), await applied_migrations(connection)
    if unknown := sorted(name for _, name in applied - known):
        raise SchemaNewerError(f"Unknown to this release: {', '.join(unknown)}")
    if missing := sorted(name for _, name in known - applied):
        raise SchemaOlderError(f"Not applied yet: {', '.join(missing)}")


def _feature_constants(name: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    """A constant of the features' own `grants` modules, where they have one."""
    for feature in FEATURES:
        try:
            module = importlib.import_module(f"appliance.{feature}.grants")
        except ModuleNotFoundError:
            continue
        yield feature, getattr(module, name, {})


def restricted_grants() -> dict[str, Mapping[str, Sequence[str]]]:
    """Table -> role -> privileges, for tables whose rights a feature states itself (`grants.GRANTS`)."""
    merged: dict[str, Mapping[str, Sequence[str]]] = {}
    for _, grants in _feature_constants("GRANTS"):
        merged.update(msgspec.convert(grants, dict[str, dict[str, tuple[str, ...]]]))
    return merged


async def migrate(owner_url: str, *, now: datetime, service: str = roles.SERVICE) -> MigrationResult:
    """Bring the database to this release as its owner; waits while another runner holds the lock.

    Raises:
        SchemaNewerError: a newer release was here; nothing is changed.
        DatabaseError: a migration failed; it was rolled back, those before it stay.
    """
    settings = session_settings("leash-migrate", _MINUTES_10)
    connection = await open_connection(owner_url, settings)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", MIGRATION_LOCK)
        before, known = await applied_migrations(connection), known_migrations()
        if unknown := sorted(name for _, name in before - known):
            raise SchemaNewerError(f"Unknown to this release: {', '.join(unknown)}")
        if known - before:
            await _run_forwards(owner_url, settings)
        await connection.execute(ENSURE_FUNCTION)
        made = await ensure_partitions(connection, now)
        if known - before or made:
            async with connection.transaction():
                await roles.grant(connection, restricted_grants(), service=service)
        applied = await applied_migrations(connection) - before
        return MigrationResult(applied=tuple(sorted(name for _, name in applied)))
    finally:
        await connection.close()


async def _run_forwards(owner_url: str, settings: Mapping[str, str]) -> None:
    """Run Piccolo's own runner per feature; its progress lines are kept out of the terminal."""
    previous = DB.config
    DB.config = {"dsn": owner_url, "server_settings": dict(settings)}
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            for config in _configs():
                result = await ForwardsMigrationManager(app_name=config.app_name).run()
                if not result.success:
                    raise DatabaseError(f"A migration of {config.app_name} failed: {result.message}")
    finally:
        DB.config = previous
