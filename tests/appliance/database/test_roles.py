"""The service can add to the ledger and nothing more, and does not start with a role that could do more."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest

from appliance.database import roles
from appliance.database.connection import Connection, open_connection, read_connection
from appliance.database.errors import TooManyRightsError
from appliance.database.migrations import migrate
from tests.support.postgres import TestDatabase, TestPostgres

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LEDGER = ("ledger_entry", "ledger_payload", "ledger_leaf", "ledger_checkpoint")


@pytest.fixture
async def service(shared_database: TestDatabase) -> AsyncIterator[Connection]:
    """A connection of the service's role, for what is refused anyway."""
    connection = await open_connection(shared_database.service_url)
    yield connection
    await connection.close()


@pytest.fixture
async def owner(shared_database: TestDatabase) -> AsyncIterator[Connection]:
    """A connection of the owner's role, to look with."""
    connection = await open_connection(shared_database.owner_url)
    yield connection
    await connection.close()


async def excess_of(url: str) -> str:
    """Why a role is refused."""
    connection = await open_connection(url)
    try:
        with pytest.raises(TooManyRightsError) as raised:
            await roles.refuse_excess_rights(connection)
        return raised.value.detail
    finally:
        await connection.close()


@pytest.mark.parametrize("table", [*LEDGER, "policy_version"])
@pytest.mark.parametrize("verb", ["UPDATE {} SET {} = NULL", "DELETE FROM {}", "TRUNCATE {}", "DROP TABLE {}"])
async def test_the_service_cannot_change_what_is_recorded(service: Connection, table: str, verb: str) -> None:
    """Not a ledger entry, its content, its place, a checkpoint, nor a published policy."""
    column = await service.fetchval(
        "SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum = 1", table
    )
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await service.execute(verb.format(table, column))


async def test_the_service_cannot_reach_a_partition_past_its_parent(service: Connection, owner: Connection) -> None:
    """No right on any partition, for nobody but the owner."""
    partitions = [row[0] for row in await owner.fetch("SELECT relname FROM pg_class WHERE relispartition")]
    assert {"ledger_entry_default", "ledger_payload_default", "decision_default"} <= set(partitions)
    for verb in ("SELECT * FROM {}", "DELETE FROM {}", "TRUNCATE {}"):
        for name in partitions:
            if "_pkey" not in name and "_idx" not in name:
                with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.WrongObjectTypeError)):
                    await service.execute(verb.format(name))


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id integer)",
        "CREATE FUNCTION mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "ALTER TABLE ledger_entry ADD COLUMN mine text",
        "ALTER TABLE ledger_entry DISABLE TRIGGER ALL",
        "CREATE RULE mine AS ON INSERT TO ledger_entry DO INSTEAD NOTHING",
        "CREATE ROLE mine",
        "SET ROLE leash_owner",
        "SET ROLE leash_retention",
        "SET session_replication_role = replica",
        "DELETE FROM migration",
        "ALTER FUNCTION leash_ensure_partitions OWNER TO leash_service",
        "COPY ledger_entry TO PROGRAM 'true'",
    ],
)
async def test_the_service_cannot_change_the_schema_or_become_another_role(service: Connection, statement: str) -> None:
    """Neither tables nor roles nor the table of migrations."""
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await service.execute(statement)


async def test_only_retention_deletes_the_ledgers_content(shared_database: TestDatabase) -> None:
    """It may delete payloads, and read or change nothing else."""
    connection = await open_connection(shared_database.retention_url)
    try:
        await connection.execute("DELETE FROM ledger_payload WHERE recorded_at < now()")
        for statement in (
            "UPDATE ledger_payload SET content = ''",
            "INSERT INTO ledger_payload (part) VALUES ('x')",
            "TRUNCATE ledger_payload",
            "DELETE FROM ledger_entry",
            "SELECT * FROM person",
            "SELECT * FROM ask",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


async def test_the_services_own_role_is_accepted(service: Connection) -> None:
    """It has no more than it should."""
    await roles.refuse_excess_rights(service)


async def test_the_owner_and_a_superuser_are_refused(shared_database: TestDatabase) -> None:
    """Whoever owns the ledger can change it."""
    told = await excess_of(shared_database.owner_url)
    assert told.startswith("The database role leash_owner ")
    assert "owns or acts for the owner of ledger_" in told
    assert "is a superuser" in await excess_of(shared_database.superuser_url)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("GRANT UPDATE ON ledger_entry TO leash_service", "may UPDATE ledger_entry"),
        ("GRANT UPDATE (body) ON ledger_entry TO leash_service", "may UPDATE ledger_entry"),
        ("GRANT DELETE ON ledger_payload TO leash_service", "may DELETE ledger_payload"),
        ("GRANT TRUNCATE ON ledger_leaf TO leash_service", "may TRUNCATE ledger_leaf"),
        ("GRANT TRIGGER ON ledger_entry TO leash_service", "may TRIGGER ledger_entry"),
        ("GRANT ALL ON ledger_checkpoint TO PUBLIC", "may UPDATE ledger_checkpoint"),
        ("GRANT UPDATE ON policy_version TO leash_service", "may UPDATE policy_version"),
        ("GRANT DELETE ON ledger_entry_default TO leash_service", "may DELETE ledger_entry_default"),
        ("GRANT CREATE ON SCHEMA public TO leash_service", "may create tables"),
    ],
)
async def test_a_grant_too_many_is_refused_and_named(committed_database: TestDatabase, given: str, told: str) -> None:
    """Also a right on one column, on one partition, or to everybody."""
    superuser = await open_connection(committed_database.superuser_url)
    await superuser.execute(given)
    await superuser.close()
    assert told in await excess_of(committed_database.service_url)


@pytest.mark.parametrize(
    ("given", "undone", "told"),
    [
        (
            "CREATE ROLE big; GRANT big TO leash_service; ALTER TABLE ledger_leaf OWNER TO big",
            "DROP ROLE big",
            "owns or acts for the owner of ledger_leaf",
        ),
        (
            "CREATE ROLE big; GRANT big TO leash_service WITH INHERIT FALSE; GRANT UPDATE ON ledger_leaf TO big",
            "DROP ROLE big",
            "may UPDATE ledger_leaf",
        ),
        ("GRANT leash_retention TO leash_service", "REVOKE leash_retention FROM leash_service", "may DELETE ledger_p"),
        ("ALTER ROLE leash_service CREATEROLE", "ALTER ROLE leash_service NOCREATEROLE", "may create roles"),
        ("ALTER ROLE leash_service BYPASSRLS", "ALTER ROLE leash_service NOBYPASSRLS", "bypasses row security"),
        (
            "GRANT pg_write_all_data TO leash_service",
            "REVOKE pg_write_all_data FROM leash_service",
            "may DELETE ledger_entry; ",
        ),
    ],
)
async def test_a_role_that_can_become_a_mightier_one_is_refused(
    committed_database: TestDatabase, given: str, undone: str, told: str
) -> None:
    """By membership, inherited or not, and by attributes of the role."""
    superuser = await open_connection(committed_database.superuser_url)
    await superuser.execute(given)
    try:
        assert told in await excess_of(committed_database.service_url)
    finally:
        if "big" in given:
            await superuser.execute("ALTER TABLE ledger_leaf OWNER TO leash_owner; DROP OWNED BY big")
        await superuser.execute(undone)
        await superuser.close()


async def test_a_migration_run_sets_the_rights_again(committed_database: TestDatabase) -> None:
    """Also when there was nothing to migrate: after an interrupted run, or for a role that is new."""
    owner = await open_connection(committed_database.owner_url)
    await owner.execute("GRANT UPDATE ON ledger_entry TO leash_service")
    await owner.execute("REVOKE INSERT ON ledger_entry FROM leash_service")
    await owner.close()
    await migrate(committed_database.owner_url, now=NOW)
    async with read_connection() as service:
        await roles.refuse_excess_rights(service)
        assert await service.fetchval("SELECT has_table_privilege('ledger_entry', 'INSERT')")


async def test_a_role_with_any_name_and_password_is_made(postgres: TestPostgres) -> None:
    """Quotes and spaces in them do no harm; a second call gives it the new password."""
    connection = await open_connection(postgres.server.superuser_url)
    try:
        await roles.create_role(connection, "odd role", 'it\'s \\ "odd"')
        await roles.create_role(connection, "odd role", "it's another")
        assert await connection.fetchval("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'odd role'")
    finally:
        await connection.execute('DROP ROLE "odd role"')
        await connection.close()
