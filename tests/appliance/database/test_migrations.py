"""One runner at a time, nothing half done, and a refusal to touch what another release made."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from piccolo.apps.migrations.auto.diffable_table import DiffableTable
from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.apps.migrations.auto.schema_differ import SchemaDiffer
from piccolo.apps.migrations.auto.schema_snapshot import SchemaSnapshot
from piccolo.apps.migrations.commands.new import AutoMigrationManager
from piccolo.conf.apps import AppConfig

from appliance.database.connection import Connection, open_connection
from appliance.database.errors import DatabaseError, SchemaNewerError, SchemaOlderError
from appliance.database.migrations import (
    MIGRATION_LOCK,
    applied_migrations,
    check_schema,
    feature_configs,
    known_migrations,
    migrate,
)
from tests.support.postgres import TestDatabase, TestPostgres

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
async def empty_database(postgres: TestPostgres) -> AsyncIterator[str]:
    """The owner's URL of a database in which nothing was ever done."""
    async with postgres.database() as database:
        connection = await open_connection(database.superuser_url)
        await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public AUTHORIZATION pg_database_owner")
        await connection.close()
        yield database.owner_url


@pytest.fixture
async def owner(committed_database: TestDatabase) -> AsyncIterator[Connection]:
    """A connection of the owner to a migrated database."""
    connection = await open_connection(committed_database.owner_url)
    try:
        yield connection
    finally:
        await connection.close()


async def state_of(url: str) -> tuple[set[tuple[str, str]], list[str]]:
    connection = await open_connection(url)
    try:
        tables = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
        )
        return await applied_migrations(connection), sorted(row[0] for row in tables)
    finally:
        await connection.close()


async def test_an_empty_database_is_brought_to_this_release(empty_database: str) -> None:
    """Every migration once, in an order that works; a second run has nothing to do."""
    result = await migrate(empty_database, now=NOW)
    applied, tables = await state_of(empty_database)
    assert applied == known_migrations()
    assert sorted(result.applied) == sorted(name for _, name in applied)
    assert {"ledger_entry", "person", "machine", "policy_version", "decision", "ask"} <= set(tables)
    assert (await migrate(empty_database, now=NOW)).applied == ()


async def test_two_runners_at_once_migrate_once(empty_database: str) -> None:
    """The second waits for the first one's lock and finds everything done."""
    results = await asyncio.gather(*(migrate(empty_database, now=NOW) for _ in range(2)))
    assert sorted(len(result.applied) for result in results) == [0, len(known_migrations())]


async def test_a_runner_waits_for_the_lock(committed_database: TestDatabase, owner: Connection) -> None:
    """While somebody else holds it, nothing happens; when it is free, the runner goes on."""
    await owner.execute("SELECT pg_advisory_lock($1)", MIGRATION_LOCK)
    waiting = asyncio.create_task(migrate(committed_database.owner_url, now=NOW))
    done, _ = await asyncio.wait({waiting}, timeout=0.3)
    assert not done
    await owner.execute("SELECT pg_advisory_unlock($1)", MIGRATION_LOCK)
    assert (await asyncio.wait_for(waiting, 10)).applied == ()


async def test_a_killed_runner_leaves_whole_migrations_only(
    empty_database: str, postgres: TestPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connections end after each migration in turn; the next run goes on from there."""
    lived = 0
    forwards = MigrationManager.run

    async def run(self: MigrationManager, backwards: bool = False) -> None:  # noqa: FBT001, FBT002 - Piccolo's own
        nonlocal lived
        await forwards(self, backwards)
        if lived == 3:
            connection = await open_connection(postgres.server.superuser_url)
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'leash-migrate'"
            )
            await connection.close()
        lived += 1

    monkeypatch.setattr(MigrationManager, "run", run)
    with pytest.raises(DatabaseError):
        await migrate(empty_database, now=NOW)
    applied, _ = await state_of(empty_database)
    assert len(applied) == 3
    await migrate(empty_database, now=NOW)
    assert (await state_of(empty_database))[0] == known_migrations()


async def test_a_migration_that_fails_is_undone_and_told(empty_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of the feature, a LeashError, and no trace of the migration."""
    connection = await open_connection(empty_database)
    await connection.execute("CREATE TABLE ask_answer (id integer)")
    await connection.close()
    with pytest.raises(DatabaseError, match="A migration of approvals failed"):
        await migrate(empty_database, now=NOW)
    applied, tables = await state_of(empty_database)
    assert "approvals" not in {feature for feature, _ in applied}
    assert "ask" not in tables


async def test_a_database_of_a_newer_release_is_refused(committed_database: TestDatabase, owner: Connection) -> None:
    """By the runner and by the service, with the migration's name; nothing is changed."""
    await owner.execute("INSERT INTO migration (name, app_name) VALUES ('2031-01-01T00:00:00:000000', 'ledger')")
    before = await state_of(committed_database.owner_url)
    with pytest.raises(SchemaNewerError, match="2031-01-01"):
        await migrate(committed_database.owner_url, now=NOW)
    with pytest.raises(SchemaNewerError, match="2031-01-01"):
        await check_schema(owner)
    assert await state_of(committed_database.owner_url) == before


async def test_a_database_that_lacks_migrations_is_refused(owner: Connection) -> None:
    """The service names what is missing."""
    await check_schema(owner)
    await owner.execute("DELETE FROM migration WHERE app_name = 'approvals'")
    with pytest.raises(SchemaOlderError, match="Not applied yet: 2026-"):
        await check_schema(owner)
    await owner.execute("DROP TABLE migration")
    with pytest.raises(SchemaOlderError):
        await check_schema(owner)


@pytest.mark.parametrize("config", tuple(feature_configs()), ids=lambda config: config.app_name)
async def test_tables_and_migrations_agree(config: AppConfig) -> None:
    """A column that was added to a table has its migration, and the other way round."""
    statements = await AutoMigrationManager().get_alter_statements(config)
    assert [statement for each in statements for statement in each.statements] == []


async def test_a_drift_would_be_found() -> None:
    """The check above sees a column that no migration made."""
    config = next(config for config in feature_configs() if config.app_name == "decisions")
    managers = await AutoMigrationManager().get_migration_managers(app_config=config)
    (table,) = SchemaSnapshot(managers).get_snapshot()
    fewer = DiffableTable(class_name=table.class_name, tablename=table.tablename, columns=table.columns[:-1])
    differ = SchemaDiffer(schema=[table], schema_snapshot=[fewer])
    assert [statement for each in differ.get_alter_statements() for statement in each.statements] != []
