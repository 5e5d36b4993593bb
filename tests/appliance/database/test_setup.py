"""An external PostgreSQL needs one URL of its owner, or a separate one for each role that the owner may not make."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance.database import roles
from appliance.database.connection import open_connection
from appliance.database.embedded import EmbeddedPostgres
from appliance.database.errors import DatabaseUnreachableError, SetupRefusedError
from appliance.database.migrations import check_schema, known_migrations
from appliance.database.setup import Endpoints, prepare, role_of, role_url

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedPostgres]:
    """A server of the test's own, which stands for the organisation's."""
    server = EmbeddedPostgres(tmp_path / "theirs", is_durable=False)
    try:
        await asyncio.to_thread(server.start)
        yield server
    finally:
        await asyncio.to_thread(server.remove)


async def run(server: EmbeddedPostgres, *statements: str) -> None:
    connection = await open_connection(server.superuser_url)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


def url(server: EmbeddedPostgres, role: str, database: str = "acme") -> str:
    return f"{role_url(server.superuser_url, role, 'pass word')}".replace("/postgres?", f"/{database}?")


async def assert_usable(endpoints: Endpoints) -> None:
    """The service can start on it: schema, rights, and a write."""
    service = await open_connection(endpoints.service_url)
    try:
        await check_schema(service)
        await roles.refuse_excess_rights(service)
        await service.execute("DELETE FROM ledger_unsealed; DELETE FROM ask")
    finally:
        await service.close()
    retention = await open_connection(endpoints.retention_url)
    try:
        await retention.execute("DELETE FROM ledger_payload")
    finally:
        await retention.close()


async def test_one_owner_url_is_enough(server: EmbeddedPostgres, tmp_path: Path) -> None:
    """Both roles are made, with passwords that only the state directory holds; a second run changes nothing."""
    await run(server, "CREATE ROLE acme LOGIN CREATEROLE PASSWORD 'pass word'", "CREATE DATABASE acme OWNER acme")
    state = tmp_path / "ours"
    endpoints = await prepare(url(server, "acme"), state=state, now=NOW)
    assert len(endpoints.migrated.applied) == len(known_migrations())
    assert "pass%20word" not in endpoints.service_url + endpoints.retention_url
    await assert_usable(endpoints)
    kept = sorted(state.rglob("*.password"))
    assert [path.name for path in kept] == ["leash_retention.password", "leash_service.password"]
    assert {path.stat().st_mode & 0o777 for path in kept} == {0o600}
    again = await prepare(url(server, "acme"), state=state, now=NOW)
    assert (again.service_url, again.migrated.applied) == (endpoints.service_url, ())


async def test_two_setups_at_once_make_the_roles_once(server: EmbeddedPostgres, tmp_path: Path) -> None:
    """Two nodes that start together end with one password and one schema."""
    await run(server, "CREATE ROLE acme LOGIN CREATEROLE PASSWORD 'pass word'", "CREATE DATABASE acme OWNER acme")
    both = await asyncio.gather(*(prepare(url(server, "acme"), state=tmp_path, now=NOW) for _ in range(3)))
    assert len({endpoints.service_url for endpoints in both}) == 1
    await assert_usable(both[0])


async def test_an_owner_that_may_make_no_roles_is_told_what_to_do(server: EmbeddedPostgres, tmp_path: Path) -> None:
    """And with the administrator's own roles it works; they only get their rights."""
    await run(server, "CREATE ROLE plain LOGIN PASSWORD 'pass word'", "CREATE DATABASE acme OWNER plain")
    with pytest.raises(SetupRefusedError, match="permission denied to create role") as raised:
        await prepare(url(server, "plain"), state=tmp_path, now=NOW)
    assert "service_url" in raised.value.next_step
    await run(server, "CREATE ROLE \"it's ours\" LOGIN PASSWORD 'pass word'")
    service = url(server, "it's ours")
    with pytest.raises(SetupRefusedError):
        await prepare(url(server, "plain"), state=tmp_path, now=NOW, service_url=service)
    await run(server, "CREATE ROLE cleaner LOGIN PASSWORD 'pass word'")
    endpoints = await prepare(
        url(server, "plain"), state=tmp_path, now=NOW, service_url=service, retention_url=url(server, "cleaner")
    )
    assert endpoints.service_url == service
    await assert_usable(endpoints)


async def test_a_service_role_given_later_gets_its_rights(server: EmbeddedPostgres, tmp_path: Path) -> None:
    """Although nothing is left to migrate."""
    await run(server, "CREATE ROLE acme LOGIN CREATEROLE PASSWORD 'pass word'", "CREATE DATABASE acme OWNER acme")
    await prepare(url(server, "acme"), state=tmp_path, now=NOW)
    await run(server, "CREATE ROLE later LOGIN PASSWORD 'pass word'")
    await assert_usable(await prepare(url(server, "acme"), state=tmp_path, now=NOW, service_url=url(server, "later")))


async def test_a_role_that_does_not_exist_is_told(server: EmbeddedPostgres, tmp_path: Path) -> None:
    """Its rights cannot be given."""
    with pytest.raises(SetupRefusedError, match='role "nobody" does not exist'):
        await prepare(server.owner_url, state=tmp_path, now=NOW, service_url=url(server, "nobody"))


async def test_an_owner_that_may_not_create_tables_is_refused(server: EmbeddedPostgres, tmp_path: Path) -> None:
    """Whoever merely may connect owns nothing."""
    await run(server, "CREATE ROLE guest LOGIN CREATEROLE PASSWORD 'pass word'", "CREATE DATABASE acme")
    with pytest.raises(SetupRefusedError, match="permission denied for schema public"):
        await prepare(url(server, "guest"), state=tmp_path, now=NOW)


async def test_a_database_that_does_not_answer_is_told(tmp_path: Path) -> None:
    """Nothing is made in the state directory."""
    with pytest.raises(DatabaseUnreachableError):
        await prepare("postgresql://acme:x@127.0.0.1:1/acme", state=tmp_path, now=NOW)
    assert not (tmp_path / "secrets").exists()


def test_another_role_in_a_url_keeps_everything_else() -> None:
    """Host, port, database and options stay; the old login goes, wherever it stood."""
    assert role_url("postgresql://a:b@db:5433/x?sslmode=verify-full&user=a&password=b", "s e", "p/w") == (
        "postgresql://s%20e:p%2Fw@db:5433/x?sslmode=verify-full"
    )
    assert role_url("postgres:///x?host=/run/pg", "s", "p") == "postgres://s:p@/x?host=%2Frun%2Fpg"
    assert role_url("postgresql://a:b@[::1]:5433,db2/x", "s", "p") == "postgresql://s:p@[::1]:5433,db2/x"


def test_the_role_of_a_url_is_found() -> None:
    """Before the host or among the options, with its escapes undone."""
    assert role_of("postgresql://s%20e:p@db/x", "d") == "s e"
    assert role_of("postgresql://db/x?user=s%20e", "d") == "s e"
    assert role_of("postgresql://db/x", "d") == "d"
