"""The sealer: everything that was committed gets its leaf exactly once, whatever happens in between."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from appliance.clock import utc_now
from appliance.database.connection import current_connection, open_connection
from appliance.database.transaction import transaction
from appliance.ledger import sealing
from appliance.ledger.errors import CheckpointInvalidError, LedgerError, LedgerForkedError
from appliance.ledger.jobs import jobs
from appliance.ledger.ledger import Ledger
from appliance.ledger.note import Signer
from appliance.ledger.queries import count_unsealed, list_checkpoints, list_entries, newest_checkpoint
from appliance.ledger.service import append
from appliance.ledger.witness import CheckpointFile
from tests.support.ledger import NAME, NOON, entry, ledger_at, record, rows, sealed_ledger, signer, tamper
from tests.support.postgres import TestDatabase


async def is_intact(ledger: Ledger) -> bool:
    report = await ledger.verify()
    return report.is_intact


@pytest.mark.usefixtures("committed_database")
async def test_an_empty_ledger_has_nothing_to_seal(tmp_path: Path) -> None:
    """No checkpoint, no file, and verification finds nothing wrong."""
    ledger = ledger_at(tmp_path)
    result = await ledger.seal()
    assert (result.sealed, result.tree_size, result.note, result.is_busy) == (0, 0, "", False)
    assert await newest_checkpoint() is None
    assert not (tmp_path / "ledger.checkpoint").exists()
    assert await is_intact(ledger)


@pytest.mark.usefixtures("committed_database")
async def test_what_waits_is_sealed_and_signed_inside_and_outside_the_database(tmp_path: Path) -> None:
    """Leaves in order of time, one checkpoint, and the same note in the file."""
    ledger = ledger_at(tmp_path)
    await record(range(5))
    assert await count_unsealed() == 5
    result = await ledger.seal()
    assert (result.sealed, result.tree_size) == (5, 5)
    assert await count_unsealed() == 0
    newest = await newest_checkpoint()
    assert newest is not None
    assert (tmp_path / "ledger.checkpoint").read_text() == result.note == newest.note
    assert signer().verifier.open_checkpoint(result.note).root == newest.root
    assert [found.leaf_index for found in reversed(await list_entries())] == [0, 1, 2, 3, 4]
    assert (await ledger.seal()).sealed == 0
    assert [checkpoint.tree_size for checkpoint in await list_checkpoints(10)] == [5]


@pytest.mark.usefixtures("committed_database")
async def test_a_rolled_back_transaction_leaves_nothing() -> None:
    """Neither entry nor part nor place in the queue."""

    async def change_my_mind() -> None:
        async with transaction():
            await append(entry(1))
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await change_my_mind()
    async with transaction():
        for table in ("ledger_entry", "ledger_payload", "ledger_unsealed"):
            assert await current_connection().fetchval(f"SELECT count(*) FROM {table}") == 0  # noqa: S608 - our own names


async def test_an_entry_that_commits_late_gets_a_later_leaf(committed_database: TestDatabase, tmp_path: Path) -> None:
    """A long transaction began first: the sealer does not wait for it, does not miss it, and renumbers nothing."""
    ledger = ledger_at(tmp_path)
    opened = asyncio.Event()
    finish = asyncio.Event()

    async def slow() -> None:
        async with transaction():
            await append(entry(0), now=NOON)
            opened.set()
            await finish.wait()

    task = asyncio.create_task(slow())
    await opened.wait()
    await record([1, 2])
    assert (await ledger.seal()).tree_size == 2
    finish.set()
    await task
    assert (await ledger.seal()).tree_size == 3
    subjects = await rows(
        committed_database,
        "SELECT e.subject FROM ledger_leaf l JOIN ledger_entry e ON e.id = l.entry_id ORDER BY leaf_index",
    )
    assert [row[0] for row in subjects] == ["thing:1", "thing:2", "thing:0"]
    assert await is_intact(ledger)


@pytest.mark.usefixtures("committed_database")
async def test_sealers_at_the_same_time_make_one_tree(tmp_path: Path) -> None:
    """Twenty calls while entries come in: each entry has one leaf, and no checkpoint contradicts another."""
    ledgers = [ledger_at(tmp_path) for _ in range(4)]

    async def write(first: int) -> None:
        for number in range(first, first + 25):
            await record([number])

    async def seal(ledger: Ledger) -> None:
        for _ in range(5):
            await ledger.seal()
            await asyncio.sleep(0.002)

    await asyncio.gather(write(0), write(100), *(seal(ledger) for ledger in ledgers))
    last = await ledgers[0].seal()
    assert last.tree_size == 50
    report = await ledgers[0].verify()
    assert report.is_intact, report.problems
    assert (report.leaves, report.unsealed, report.outside_size) == (50, 0, 50)


async def test_a_sealer_that_finds_another_at_work_does_nothing(
    committed_database: TestDatabase, tmp_path: Path
) -> None:
    """It says so, and leaves the queue to the other one."""
    ledger = await sealed_ledger(tmp_path, [3])
    await record([3])
    other = await open_connection(committed_database.service_url)
    async with other.transaction():
        await other.execute("SELECT pg_advisory_xact_lock($1)", sealing._SEAL_LOCK)
        result = await ledger.seal()
    await other.close()
    assert (result.is_busy, result.sealed, result.tree_size) == (True, 0, 3)
    assert (await ledger.seal()).tree_size == 4


@pytest.mark.usefixtures("committed_database")
async def test_a_long_queue_is_sealed_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One call seals everything; each batch has its checkpoint, which names the one before."""
    monkeypatch.setattr(sealing, "BATCH_MAX", 10)
    monkeypatch.setattr("appliance.ledger.ledger.BATCH_MAX", 10)
    await record(range(25))
    ledger = ledger_at(tmp_path)
    assert (await ledger.seal()).sealed == 25
    assert [checkpoint.tree_size for checkpoint in await list_checkpoints(10)] == [25, 20, 10]
    assert await is_intact(ledger)


@pytest.mark.usefixtures("committed_database")
async def test_a_sealer_that_was_killed_after_its_commit_catches_up(tmp_path: Path) -> None:
    """The file is older than the database: the tree is found to continue it, and the file is brought up to date."""
    ledger = await sealed_ledger(tmp_path, [3])
    file = tmp_path / "ledger.checkpoint"
    old = file.read_text()
    await record(range(3, 9))
    newest = (await ledger.seal()).note
    file.write_text(old)
    assert (await ledger.seal()).note == newest == file.read_text()
    file.write_text(old)
    await record([9])
    assert (await ledger.seal()).tree_size == 10
    assert await is_intact(ledger)


async def test_a_sealer_that_is_killed_at_any_moment_harms_nothing(
    committed_database: TestDatabase, tmp_path: Path
) -> None:
    """Ten times kill -9 of a process that records and seals: the next one goes on, and all is intact."""
    script = textwrap.dedent("""
        import asyncio, os, sys
        from pathlib import Path
        from appliance.database.connection import connect
        from tests.support.ledger import ledger_at, record
        async def main():
            await connect(os.environ["URL"])
            ledger, number = ledger_at(Path(sys.argv[1])), int(sys.argv[2])
            print("ready", flush=True)
            while True:
                await record(range(number, number + 5))
                await ledger.seal()
                number += 5
        asyncio.run(main())
    """)
    for turn in range(10):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, str(tmp_path), str(turn * 100_000), stdout=subprocess.PIPE,
            env={**os.environ, "URL": committed_database.service_url},
        )  # fmt: skip
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
        await asyncio.sleep(0.02 + 0.007 * turn)
        process.send_signal(signal.SIGKILL)
        await process.wait()
    ledger = ledger_at(tmp_path)
    await asyncio.sleep(0.1)  # the server notices that its client is gone
    await ledger.seal()
    report = await ledger.verify()
    assert report.is_intact, report.problems
    assert report.unsealed == 0
    assert report.leaves >= 10


async def test_a_database_of_yesterday_is_not_built_upon(committed_database: TestDatabase, tmp_path: Path) -> None:
    """It holds fewer leaves than were signed: sealing stops, what is recorded waits, and nothing is overwritten."""
    ledger = await sealed_ledger(tmp_path, [3, 4])
    await tamper(
        committed_database,
        "DELETE FROM ledger_leaf WHERE leaf_index >= 3",
        "DELETE FROM ledger_checkpoint WHERE tree_size > 3",
        "DELETE FROM ledger_entry WHERE subject >= 'thing:3'",
    )
    await record([50])
    with pytest.raises(LedgerForkedError, match="holds 3 sealed entries, but 7 were signed"):
        await ledger.seal()
    assert await count_unsealed() == 1
    (tmp_path / "ledger.checkpoint").rename(tmp_path / "evidence")
    assert (await ledger.seal()).tree_size == 4


async def test_another_tree_of_the_same_key_is_not_built_upon(committed_database: TestDatabase, tmp_path: Path) -> None:
    """As large or larger than what was signed, but not its continuation."""
    await sealed_ledger(tmp_path / "real", [3])
    note = (tmp_path / "real/ledger.checkpoint").read_text()
    for extra in ([], [4]):
        await tamper(committed_database, *(f"TRUNCATE {name}" for name in ("ledger_leaf", "ledger_checkpoint")))
        await tamper(committed_database, *(f"TRUNCATE {name}" for name in ("ledger_entry", "ledger_payload")))
        forged = tmp_path / f"forged{len(extra)}"
        ledger = await sealed_ledger(forged, [3, *extra])
        (forged / "ledger.checkpoint").write_text(note)
        with pytest.raises(LedgerForkedError, match="not those that were signed"):
            await ledger.seal()


async def test_leaves_that_do_not_continue_the_kept_checkpoint_are_refused(
    committed_database: TestDatabase, tmp_path: Path
) -> None:
    """The row of the old checkpoint is there, but the leaves after it are not those under the newest root."""
    ledger = await sealed_ledger(tmp_path, [3])
    old = (tmp_path / "ledger.checkpoint").read_text()
    await record([3, 4])
    await ledger.seal()
    (tmp_path / "ledger.checkpoint").write_text(old)
    await tamper(committed_database, "UPDATE ledger_leaf SET leaf_hash = sha256('x') WHERE leaf_index = 3")
    with pytest.raises(LedgerForkedError, match="not those that were signed"):
        await ledger.seal()


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE ledger_checkpoint SET root_hash = sha256('x')", "not what was signed"),
        ("UPDATE ledger_checkpoint SET frontier = sha256('x') || sha256('y')", "not what was signed"),
        ("UPDATE ledger_checkpoint SET frontier = 'x'", "damaged"),
        ("UPDATE ledger_checkpoint SET tree_size = 5", "not what was signed|damaged"),
        ("DELETE FROM ledger_leaf WHERE leaf_index = 2", "last leaf is 1"),
        ("INSERT INTO ledger_leaf SELECT 3, gen_random_uuid(), now(), sha256('x')", "last leaf is 3"),
        ("DELETE FROM ledger_checkpoint", "leaves, but no checkpoint"),
    ],
)
async def test_a_damaged_end_is_not_built_upon(
    committed_database: TestDatabase, tmp_path: Path, statement: str, says: str
) -> None:
    """The sealer signs only what continues what it can vouch for."""
    ledger = await sealed_ledger(tmp_path, [3])
    await tamper(committed_database, statement)
    await record([3])
    with pytest.raises(LedgerForkedError, match=says):
        await ledger.seal()


@pytest.mark.usefixtures("committed_database")
async def test_another_keys_tree_is_not_built_upon(tmp_path: Path) -> None:
    """After the key was lost or exchanged, neither the database nor the file is silently taken over."""
    await sealed_ledger(tmp_path, [3])
    file = CheckpointFile(tmp_path / "ledger.checkpoint")
    stranger = Ledger(Signer(NAME, bytes(32)), file, lambda: NOON)
    with pytest.raises(CheckpointInvalidError, match="not signed by"):
        await stranger.seal()
    file.path.unlink()
    with pytest.raises(CheckpointInvalidError, match="not signed by"):
        await stranger.seal()


@pytest.mark.usefixtures("committed_database")
async def test_a_damaged_checkpoint_file_stops_the_sealer(tmp_path: Path) -> None:
    """It is never overwritten: it may be the only evidence."""
    ledger = await sealed_ledger(tmp_path, [3])
    (tmp_path / "ledger.checkpoint").write_bytes(b"\xff")
    with pytest.raises(CheckpointInvalidError, match="cannot be read"):
        await ledger.seal()
    assert (tmp_path / "ledger.checkpoint").read_bytes() == b"\xff"


@pytest.mark.usefixtures("committed_database")
async def test_a_file_that_cannot_be_written_is_told_and_tried_again(tmp_path: Path) -> None:
    """What was sealed stays sealed; the next run writes the file."""
    folder = tmp_path / "state"
    ledger = ledger_at(folder)
    await record([0])
    with pytest.raises(LedgerError, match="cannot be written"):
        await ledger.seal()
    assert await count_unsealed() == 0
    folder.mkdir()
    assert (await ledger.seal()).sealed == 0
    assert (folder / "ledger.checkpoint").exists()


async def test_damaged_places_in_the_queue_do_not_stop_the_sealer(
    committed_database: TestDatabase, tmp_path: Path
) -> None:
    """One without an entry and one that is sealed already are left for verification; the rest goes on."""
    ledger = await sealed_ledger(tmp_path, [3])
    await tamper(
        committed_database,
        "INSERT INTO ledger_unsealed VALUES ('00000000-0000-7000-8000-000000000000', now())",
        "INSERT INTO ledger_unsealed SELECT entry_id, recorded_at FROM ledger_leaf WHERE leaf_index = 1",
    )
    await record([3])
    assert (await ledger.seal()).tree_size == 4
    assert await count_unsealed() == 2
    report = await ledger.verify()
    assert [problem.kind for problem in report.problems] == ["queue_damaged", "queue_damaged"]


@pytest.mark.usefixtures("committed_database")
async def test_the_same_identifier_twice_is_written_once(tmp_path: Path) -> None:
    """A repeated append leaves the first as it was, before and after it is sealed."""
    ledger = ledger_at(tmp_path)
    first = entry(1)
    async with transaction():
        identifier = await append(first, now=NOON)
    for _ in range(2):
        async with transaction():
            assert await append(entry(2, id=identifier), now=NOON) == identifier
        await ledger.seal()
    found = await list_entries()
    assert [(each.subject, each.leaf_index) for each in found] == [("thing:1", 0)]
    assert await is_intact(ledger)


async def test_one_identifier_at_two_times_is_found(committed_database: TestDatabase, tmp_path: Path) -> None:
    """The key of a partitioned table cannot prevent it; the sealer passes it over, and verification tells."""
    ledger = ledger_at(tmp_path)
    async with transaction():
        identifier = await append(entry(1), now=NOON)
    with pytest.raises(asyncpg.UniqueViolationError):
        async with transaction():
            await append(entry(2, id=identifier), now=NOON + timedelta(days=1))
    await ledger.seal()
    async with transaction():
        await append(entry(2, id=identifier), now=NOON + timedelta(days=1))
    assert (await ledger.seal()).sealed == 0
    assert [problem.kind for problem in (await ledger.verify()).problems] == ["queue_damaged"]


async def test_entries_of_every_month_are_sealed(committed_database: TestDatabase, tmp_path: Path) -> None:
    """Months with a partition of their own, and long past or future ones, which lie in the default partition."""
    ledger, now = ledger_at(tmp_path), utc_now().replace(day=15)
    for days in (-4000, -31, 0, 31, 4000):
        await record([days + 5000], start=now + timedelta(days=days))
    assert (await ledger.seal()).tree_size == 5
    parts = await rows(committed_database, "SELECT count(DISTINCT tableoid) FROM ledger_entry")
    assert parts[0][0] == 4
    assert await is_intact(ledger)
    assert len(await list_entries(limit=10)) == 5


async def test_the_job_seals_at_the_configured_interval(committed_database: TestDatabase, tmp_path: Path) -> None:
    """Its name and schedule stand beside it."""
    ledger = ledger_at(tmp_path)
    (job,) = jobs(ledger, 0.5)
    assert (job.name, job.every_seconds) == ("ledger.seal", 0.5)
    await record([0])
    await job.run()
    await job.run()
    assert await count_unsealed() == 0
