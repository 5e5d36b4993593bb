"""A write returns when decision and ledger entry are durable together, and in no other case."""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from appliance.clock import utc_now
from appliance.database.connection import Connection, connect, disconnect, open_connection
from appliance.database.embedded import EmbeddedPostgres
from appliance.database.errors import DatabaseUnreachableError
from appliance.database.setup import prepare
from appliance.decisions import writer as writers
from appliance.decisions.errors import NotRecordedError
from appliance.decisions.records import Recorded
from appliance.decisions.statements import _COLUMNS
from appliance.decisions.tables import Decision
from appliance.decisions.writer import DecisionWriter
from tests.support.decisions import kept, ledger_of, recorded
from tests.support.postgres import TestDatabase, TestPostgres


@pytest.fixture
async def writer(committed_database: TestDatabase) -> AsyncIterator[DecisionWriter]:
    """A running writer."""
    writer = DecisionWriter(committed_database.service_url, timeout_seconds=2, clock=utc_now)
    await writer.start()
    yield writer
    await writer.stop()


@pytest.fixture
async def superuser(committed_database: TestDatabase) -> AsyncIterator[Connection]:
    """A connection that may end and stop others."""
    connection = await open_connection(committed_database.superuser_url)
    yield connection
    await connection.close()


async def end_writer(superuser: Connection) -> None:
    await superuser.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'leash-decisions' AND datname = current_database()"
    )


def counted(writer: DecisionWriter, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The size of each batch that is sent from now on."""
    sizes: list[int] = []
    plain = writer._execute

    async def execute(batch: list[Recorded]) -> None:
        sizes.append(len(batch))
        await plain(batch)

    monkeypatch.setattr(writer, "_execute", execute)
    return sizes


async def outcomes(writer: DecisionWriter, batch: list[Recorded]) -> list[BaseException | None]:
    return await asyncio.gather(*(writer.write(item) for item in batch), return_exceptions=True)


async def until(is_so: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not is_so():  # noqa: ASYNC110 - the writer announces nothing
            await asyncio.sleep(0.02)


async def test_a_write_returns_when_decision_and_entry_are_there(writer: DecisionWriter) -> None:
    """Both, under one identifier, with what was said of them."""
    item = recorded(tool="Bash\N{SNOWMAN}")
    await writer.write(item)
    assert await kept() == {item.row.id}
    ((event, facts),) = await ledger_of()
    assert (event, facts["outcome"]) == ("decision.allowed", "allow")
    assert writer.is_healthy


async def test_writes_that_wait_share_a_commit(writer: DecisionWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many callers, few statements, nothing lost and nothing twice."""
    sizes = counted(writer, monkeypatch)
    batch = [recorded(f"make {number}") for number in range(1200)]
    assert await outcomes(writer, batch) == [None] * 1200
    assert await kept() == {item.row.id for item in batch}
    assert sum(sizes) == 1200
    assert len(sizes) <= 6
    assert max(sizes) <= writers.BATCH_MAX


async def test_a_single_write_waits_for_nobody(writer: DecisionWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Group commit adds no delay of its own."""
    sizes = counted(writer, monkeypatch)
    for _ in range(5):
        await writer.write(recorded())
    assert sizes == [1] * 5


@pytest.mark.parametrize("bad", ["a\0b", "a\ud800b"])
async def test_one_that_the_database_refuses_takes_no_others_along(writer: DecisionWriter, bad: str) -> None:
    """It alone is denied, and the writer goes on; no outage is recorded."""
    batch = [recorded(f"make {number}") for number in range(20)]
    refused = recorded(tool=bad)
    results = await outcomes(writer, [*batch[:10], refused, *batch[10:]])
    assert isinstance(results.pop(10), NotRecordedError)
    assert results == [None] * 20
    assert await kept() == {item.row.id for item in batch}
    assert writer.is_healthy
    assert {event for event, _ in await ledger_of()} == {"decision.allowed"}


async def test_a_failure_that_nobody_foresaw_denies_and_the_writer_lives_on(
    writer: DecisionWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer that ended silently would deny everything for ever."""
    plain, fails = writer._execute, [True]

    async def execute(batch: list[Recorded]) -> None:
        if fails.pop():
            raise ZeroDivisionError
        await plain(batch)

    monkeypatch.setattr(writer, "_execute", execute)
    with pytest.raises(NotRecordedError):
        await writer.write(recorded())
    monkeypatch.setattr(writer, "_execute", plain)
    item = recorded()
    await writer.write(item)
    assert await kept() == {item.row.id}


async def test_the_same_decision_written_twice_is_there_once(writer: DecisionWriter) -> None:
    """A retry after an unknown end does no harm."""
    item = recorded()
    assert await outcomes(writer, [item, item]) == [None, None]
    await writer.write(item)
    assert await kept() == {item.row.id}
    assert len(await ledger_of()) == 1


async def test_a_caller_that_hung_up_is_not_waited_for(writer: DecisionWriter) -> None:
    """Its decision may or may not be there; the others are."""
    writes = [asyncio.create_task(writer.write(recorded())) for _ in range(50)]
    await asyncio.sleep(0)
    for write in writes[::2]:
        write.cancel()
    results = await asyncio.gather(*writes, return_exceptions=True)
    assert [result for result in results[1::2] if result is not None] == []
    await writer.write(recorded())
    assert len(await kept()) >= 26


async def test_after_a_lost_connection_the_number_of_lost_denies_is_recorded(
    writer: DecisionWriter, superuser: Connection
) -> None:
    """A write that was under way is denied; the outage is in the ledger, with its beginning."""
    await superuser.execute("BEGIN; LOCK TABLE decision IN SHARE ROW EXCLUSIVE MODE")
    (write,) = outcomes_of(writer, 1)
    await asyncio.sleep(0.1)
    await end_writer(superuser)
    await superuser.execute("COMMIT")
    with pytest.raises(NotRecordedError) as raised:
        await write
    assert raised.value.code == "decision_not_recorded"
    writer.count_unrecorded()
    writer.count_unrecorded()
    await until(lambda: writer.is_healthy)
    item = recorded()
    await writer.write(item)
    assert await kept() == {item.row.id}
    outages = [facts for event, facts in await ledger_of() if event == "decision.unrecorded_denies"]
    assert sum(facts["count"] for facts in outages) == 2
    assert all(facts["since"].endswith("+00:00") for facts in outages)


async def test_a_deny_that_was_not_recorded_is_told_without_another_decision(writer: DecisionWriter) -> None:
    """A balancer sends nothing to a service that is not ready, so it must become ready by itself."""
    await asyncio.sleep(0.05)
    writer.count_unrecorded()
    assert not writer.is_healthy
    await until(lambda: writer.is_healthy, 2)
    ((event, facts),) = await ledger_of()
    assert (event, facts["count"]) == ("decision.unrecorded_denies", 1)


async def test_denies_that_are_counted_while_the_outage_is_being_told_are_told_too(
    writer: DecisionWriter, superuser: Connection
) -> None:
    """The number that is on its way does not make the service forget those that come meanwhile."""
    await superuser.execute("BEGIN; LOCK TABLE ledger_entry IN SHARE ROW EXCLUSIVE MODE")
    writer.count_unrecorded()
    await asyncio.sleep(1.0)  # the entry about one deny waits for the lock now
    writer.count_unrecorded()
    writer.count_unrecorded()
    await superuser.execute("COMMIT")
    await until(lambda: writer.is_healthy)
    outages = [facts["count"] for event, facts in await ledger_of() if event == "decision.unrecorded_denies"]
    assert outages == [1, 2]


async def test_no_write_succeeds_without_being_there_however_often_the_backend_ends(
    writer: DecisionWriter, superuser: Connection
) -> None:
    """Ended at random under load: every write that returned is durable, with its entry."""
    chance = random.Random(7)  # noqa: S311 - a test's dice
    made: set[Any] = set()
    denied = 0

    async def caller() -> None:
        nonlocal denied
        for _ in range(60):
            item = recorded()
            try:
                await writer.write(item)
            except NotRecordedError:
                denied += 1
                writer.count_unrecorded()
            else:
                made.add(item.row.id)
            await asyncio.sleep(chance.random() / 200)

    callers = [asyncio.create_task(caller()) for _ in range(16)]
    while not all(task.done() for task in callers):
        await asyncio.sleep(chance.random() / 10)
        await end_writer(superuser)
    await asyncio.gather(*callers)
    await until(lambda: writer.is_healthy)
    assert made <= await kept()
    assert len(made) + denied == 960
    assert made
    assert denied
    outages = [facts for event, facts in await ledger_of() if event == "decision.unrecorded_denies"]
    assert sum(facts["count"] for facts in outages) == denied


async def test_a_commit_that_takes_too_long_is_a_deny_in_time(
    writer: DecisionWriter, superuser: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that wait behind it too; when the database moves again, so does the writer."""
    monkeypatch.setattr(writer, "_timeout", 0.3)
    await superuser.execute("BEGIN; LOCK TABLE decision IN ACCESS EXCLUSIVE MODE")
    clock = asyncio.get_running_loop().time
    started = clock()
    first = asyncio.create_task(writer.write(recorded()))
    await asyncio.sleep(0.1)
    results = await asyncio.gather(first, *outcomes_of(writer, 5), return_exceptions=True)
    assert {type(result) for result in results} == {NotRecordedError}
    assert clock() - started < 0.6
    await superuser.execute("ROLLBACK")
    await until(lambda: writer.is_healthy)
    item = recorded()
    await writer.write(item)
    assert await kept() == {item.row.id}


async def test_nobody_waits_longer_than_the_time_for_one_write(
    committed_database: TestDatabase, superuser: Connection
) -> None:
    """One timer is for all: it rings for each in turn, also after one was written and one has hung up."""
    writer = DecisionWriter(committed_database.service_url, timeout_seconds=0.4, clock=utc_now)
    await writer.start()
    await writer.write(recorded())
    await superuser.execute("BEGIN; LOCK TABLE decision IN ACCESS EXCLUSIVE MODE")
    clock = asyncio.get_running_loop().time

    async def waited(delay: float, *, hangs_up: bool = False) -> float:
        await asyncio.sleep(delay)
        began = clock()
        with pytest.raises(TimeoutError if hangs_up else NotRecordedError):
            await asyncio.wait_for(writer.write(recorded()), 0.1 if hangs_up else 5)
        return clock() - began

    later = [0.05 * step for step in range(1, 12)]
    waits = await asyncio.gather(waited(0, hangs_up=True), *(waited(delay) for delay in later))
    assert max(waits) < 0.6
    await superuser.execute("ROLLBACK")
    await until(lambda: writer.is_healthy)
    item = recorded()
    await writer.write(item)
    assert item.row.id in await kept()
    assert not writer._waiting
    await writer.stop()


def outcomes_of(writer: DecisionWriter, count: int) -> list[asyncio.Task[None]]:
    return [asyncio.create_task(writer.write(recorded())) for _ in range(count)]


async def test_what_waits_at_the_stop_is_still_written_and_nothing_after_it(committed_database: TestDatabase) -> None:
    """A stop in the middle of a burst loses nothing that was accepted."""
    writer = DecisionWriter(committed_database.service_url, timeout_seconds=2, clock=utc_now)
    await writer.start()
    writes = outcomes_of(writer, 700)
    await asyncio.sleep(0)
    await writer.stop()
    assert await asyncio.gather(*writes) == [None] * 700
    assert len(await kept()) == 700
    with pytest.raises(NotRecordedError):
        await asyncio.wait_for(writer.write(recorded()), 0.5)


async def test_a_silent_database_does_not_keep_the_writer_from_its_end(
    committed_database: TestDatabase, postgres: TestPostgres
) -> None:
    """What waits is denied, and the service stops."""
    writer = DecisionWriter(committed_database.service_url, timeout_seconds=0.5, clock=utc_now)
    await writer.start()
    with postgres.paused():
        (write,) = outcomes_of(writer, 1)
        await asyncio.sleep(0)
        await asyncio.wait_for(writer.stop(), 3)
        with pytest.raises(NotRecordedError):
            await write
    idle = DecisionWriter(committed_database.service_url, timeout_seconds=0.5, clock=utc_now)
    await idle.start()
    with postgres.paused():
        await asyncio.wait_for(idle.stop(), 3)


async def test_a_start_without_a_database_says_so() -> None:
    """The service does not start; a writer that never started can be stopped."""
    writer = DecisionWriter("postgresql://leash:x@127.0.0.1:1/leash", timeout_seconds=1, clock=utc_now)
    with pytest.raises(DatabaseUnreachableError):
        await writer.start()
    assert not writer.is_healthy
    await writer.stop()


async def test_a_killed_database_denies_and_comes_back(tmp_path: Path) -> None:
    """A kill -9 of PostgreSQL in the middle of a burst: denies within the limit, then recovery by itself."""
    server = EmbeddedPostgres(tmp_path, is_durable=False)
    await asyncio.to_thread(server.start)
    endpoints = await prepare(server.owner_url, state=tmp_path, now=utc_now())
    writer = DecisionWriter(endpoints.service_url, timeout_seconds=1, clock=utc_now)
    try:
        await connect(endpoints.service_url)
        await writer.start()
        batch = [recorded(f"make {number}") for number in range(3000)]
        writes = [asyncio.create_task(writer.write(item)) for item in batch]
        await asyncio.sleep(0.05)
        os.kill(_postmaster(server), signal.SIGKILL)
        results = await asyncio.wait_for(asyncio.gather(*writes, return_exceptions=True), 5)
        for _ in range(3):
            with pytest.raises(NotRecordedError):
                await writer.write(recorded())
            writer.count_unrecorded()
        await asyncio.to_thread(server.start)
        await until(lambda: writer.is_healthy)
        made = {item.row.id for item, result in zip(batch, results, strict=True) if result is None}
        assert made <= await kept()
        assert ("decision.unrecorded_denies", 3) in [(event, facts.get("count")) for event, facts in await ledger_of()]
    finally:
        await writer.stop()
        await disconnect()
        await asyncio.to_thread(server.remove)


def _postmaster(server: EmbeddedPostgres) -> int:
    return int((Path(server.layout.data) / "postmaster.pid").read_text().split()[0])


def test_a_decision_and_its_row_have_the_same_columns() -> None:
    """What the statement writes is what the record holds, in the table's order."""
    item = recorded()
    assert tuple(msgspec.structs.asdict(item.row)) == _COLUMNS
    assert [column._meta.name for column in Decision._meta.columns] == list(_COLUMNS)
