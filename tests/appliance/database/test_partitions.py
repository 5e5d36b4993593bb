"""Monthly partitions are made ahead, and a row of any month finds a place."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from appliance.database.connection import Connection, open_connection
from appliance.database.identifiers import uuid7
from appliance.database.jobs import jobs
from appliance.database.partitions import ensure_partitions
from tests.support.postgres import TestDatabase

INSERT = "INSERT INTO decision (id, created_at, machine_id) VALUES ($1, $2, $1) RETURNING tableoid::regclass::text"


@pytest.fixture
async def service(committed_database: TestDatabase) -> AsyncIterator[Connection]:
    """A connection of the service's role."""
    connection = await open_connection(committed_database.service_url)
    yield connection
    await connection.close()


async def partitions_of(connection: Connection, table: str) -> list[str]:
    rows: list[Any] = await connection.fetch("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = "
        "$1::regclass ORDER BY 1", table)  # fmt: skip
    return [row[0] for row in rows]


@pytest.mark.parametrize("table", ["decision", "ledger_entry", "ledger_payload"])
async def test_tables_that_grow_without_end_are_partitioned(service: Connection, table: str) -> None:
    """Last month, this one, two ahead, and a default for all others."""
    months = await partitions_of(service, table)
    assert len(months) == 5
    assert f"{table}_default" in months


async def test_the_service_makes_the_months_to_come(service: Connection) -> None:
    """By a function of the owner's, although it may not create tables; a second call makes none."""
    moment = datetime(2031, 12, 5, tzinfo=UTC)
    made = await ensure_partitions(service, moment)
    assert [name for name in made if name.startswith("decision")] == [
        "decision_2031_11", "decision_2031_12", "decision_2032_01", "decision_2032_02",
    ]  # fmt: skip
    assert await ensure_partitions(service, moment) == []


@pytest.mark.parametrize(
    ("moment", "place"),
    [
        (datetime(2031, 12, 1, tzinfo=UTC), "decision_2031_12"),
        (datetime(2031, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), "decision_2031_12"),
        (datetime(2032, 1, 1, tzinfo=UTC), "decision_2032_01"),
        (datetime(2040, 1, 1, tzinfo=UTC), "decision_default"),
        (datetime(1999, 1, 1, tzinfo=UTC), "decision_default"),
    ],
)
async def test_a_row_goes_to_the_month_in_utc_or_to_the_default(
    service: Connection, moment: datetime, place: str
) -> None:
    """No write fails for want of a partition, whatever the session's time zone."""
    await service.execute("SET timezone = 'Pacific/Auckland'")
    await ensure_partitions(service, datetime(2031, 12, 5, tzinfo=UTC))
    assert await service.fetchval(INSERT, uuid7(), moment) == place


async def test_a_month_whose_rows_lie_in_the_default_is_left_there(service: Connection) -> None:
    """The others are made, and nothing is lost."""
    moment = datetime(2033, 5, 5, tzinfo=UTC)
    assert await service.fetchval(INSERT, uuid7(), moment) == "decision_default"
    made = await ensure_partitions(service, moment)
    assert [name for name in made if name.startswith("decision")] == [
        "decision_2033_04", "decision_2033_06", "decision_2033_07",
    ]  # fmt: skip
    assert await service.fetchval("SELECT count(*) FROM decision WHERE created_at = $1", moment) == 1


async def test_the_service_has_no_right_on_a_new_partition_itself(service: Connection) -> None:
    """Only through its table, whose rights say what may be done."""
    await ensure_partitions(service, datetime(2031, 12, 5, tzinfo=UTC))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await service.execute("DELETE FROM ledger_entry_2031_12")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await service.execute("DROP TABLE ledger_entry_2031_12")


async def test_the_function_cannot_be_led_astray(service: Connection) -> None:
    """It runs with the owner's rights, so a temporary table of the caller's must not stand in for a catalogue."""
    await service.execute("CREATE TEMPORARY TABLE pg_class (relname text, relkind text, relnamespace oid)")
    await service.execute("CREATE FUNCTION pg_temp.date_trunc(text, timestamptz) RETURNS timestamptz "
        "LANGUAGE plpgsql AS $$ BEGIN RAISE 'led astray'; END $$")  # fmt: skip
    assert "decision_2034_03" in await ensure_partitions(service, datetime(2034, 3, 1, tzinfo=UTC))


async def test_the_job_makes_partitions(committed_database: TestDatabase, service: Connection) -> None:
    """Every hour, by the appliance's clock; running it twice does no harm."""
    (job,) = jobs(lambda: datetime(2036, 1, 31, 23, tzinfo=UTC))
    await job.run()
    await job.run()
    assert "decision_2036_03" in await partitions_of(service, "decision")
    assert (job.name, job.every_seconds) == ("database.ensure_partitions", 3600)
