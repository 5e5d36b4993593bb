"""One runner for the migrations of every feature, under one advisory lock."""

import contextlib
import importlib
import io
from collections.abc import Iterator
from datetime import datetime

import msgspec
from piccolo.apps.migrations.commands.forwards import ForwardsMigrationManager
from piccolo.conf.apps import AppConfig

from appliance.database import roles
from appliance.database.connection import Connection, open_connection, session_settings, translated
from appliance.database.errors import DatabaseError, SchemaNewerError, SchemaOlderError
from appliance.database.partitions import ENSURE_FUNCTION, ensure_partitions
from appliance.database.piccolo_conf import APP_REGISTRY
from appliance.database.transaction import transaction_on

# Any constant will do, as long as every release uses the same one.
MIGRATION_LOCK = 0x6C65617368
_MINUTES_10 = 600


class MigrationResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a run did: names of the migrations that it applied, in order."""

    applied: tuple[str, ...]


def feature_configs() -> Iterator[AppConfig]:
    """What each feature registers with Piccolo, in the order in which their migrations run."""
    for path in APP_REGISTRY.apps:
        yield importlib.import_module(path).APP_CONFIG


def known_migrations() -> set[tuple[str, str]]:
    """(feature, migration id) of each migration in this release."""
    known = set()
    for config in feature_configs():
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


async def migrate(
    owner_url: str, *, now: datetime, service: str = roles.SERVICE, retention: str = roles.RETENTION
) -> MigrationResult:
    """Bring the database to this release as its owner; waits while another runner holds the lock.

    The roles' rights are set anew every time: so they are also right after a run that was interrupted, and after
    the service was given another role.

    Raises:
        SchemaNewerError: a newer release was here; nothing is changed.
        SetupRefusedError: the owner may not do it, or a role does not exist.
        DatabaseError: a migration failed; it was rolled back, those before it stay.
    """
    connection = await open_connection(owner_url, session_settings("leash-migrate", _MINUTES_10))
    try:
        await take_turn(connection)
        before, known = await applied_migrations(connection), known_migrations()
        if unknown := sorted(name for _, name in before - known):
            raise SchemaNewerError(f"Unknown to this release: {', '.join(unknown)}")
        if known - before:
            await _run_forwards(connection)
        with translated("Setting the rights of the database's roles"):
            async with connection.transaction():
                await connection.execute(ENSURE_FUNCTION)
                await ensure_partitions(connection, now)
                await roles.grant(connection, service=service, retention=retention)
        applied = await applied_migrations(connection) - before
        return MigrationResult(applied=tuple(sorted(name for _, name in applied)))
    finally:
        await connection.close()


async def take_turn(connection: Connection) -> None:
    """Wait until nobody else sets this database up, and keep others waiting until the connection is closed."""
    await connection.execute("SELECT pg_advisory_lock($1)", MIGRATION_LOCK)


async def _run_forwards(connection: Connection) -> None:
    """Run Piccolo's own runner per feature; its progress lines are kept out of the terminal."""
    with contextlib.redirect_stdout(io.StringIO()):
        for config in feature_configs():
            await _run_feature(connection, config)


async def _run_feature(connection: Connection, config: AppConfig) -> None:
    """One transaction per migration, its row in the table of migrations included: a killed run can be repeated."""
    runner = ForwardsMigrationManager(app_name=config.app_name, migration_id="1")
    for _ in runner.get_migration_modules(config.resolved_migrations_folder_path):
        with translated(f"A migration of {config.app_name}"):
            async with transaction_on(connection):
                result = await runner.run()
                if not result.success:
                    raise DatabaseError(f"A migration of {config.app_name} failed: {result.message}")
