"""What pages ask of the ledger: lists, details, and proofs that an outsider can check."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from appliance.clock import utc_now
from appliance.database.connection import open_connection, read_connection
from appliance.database.identifiers import uuid7
from appliance.database.transaction import transaction
from appliance.decisions import events as decision_events
from appliance.ledger import queries
from appliance.ledger.errors import EntryUnknownError, LedgerForkedError
from appliance.ledger.queries import entry_detail, list_checkpoints, list_entries, newest_checkpoint
from appliance.ledger.service import append
from appliance.ledger.tree import leaf_hash, root_from_inclusion
from tests.support.ledger import NOON, entry, ledger_at, record, sealed_ledger, signer, tamper
from tests.support.postgres import TestDatabase


@pytest.mark.usefixtures("committed_database")
async def test_entries_are_paged_newest_first(tmp_path: Path) -> None:
    """Every entry once; what waits for the sealer has no leaf yet."""
    await sealed_ledger(tmp_path, (7,))
    await record([7, 8, 9])
    seen, before = [], None
    while page := await list_entries(before=before, limit=4):
        seen += page
        before = page[-1].id
    assert [each.subject for each in seen] == [f"thing:{number}" for number in range(9, -1, -1)]
    assert [each.leaf_index for each in seen] == [None, None, None, 6, 5, 4, 3, 2, 1, 0]


@pytest.mark.usefixtures("committed_database")
async def test_entries_are_found_by_event_or_by_its_beginning() -> None:
    """Rare and frequent events alike; a dot at the end means all that begin so, and nothing else is a pattern."""
    names = ("policy.published", "policy.draft_saved", "decision.allowed", "decision.asked", "policyx.y", "policy%")
    for at, name in enumerate(names):
        await record([at], event=name)

    async def found(event: str) -> list[str]:
        return sorted(each.event for each in await list_entries(event=event))

    assert await found("policy.published") == ["policy.published"]
    assert await found("policy.") == ["policy.draft_saved", "policy.published"]
    assert await found("decision.allowed") == ["decision.allowed"]
    assert await found("decision.") == ["decision.allowed", "decision.asked"]
    assert await found("decision.asked") == ["decision.asked"]
    assert await found("") == sorted(names)
    for nothing in ("policy", "%", "policy_", ".", "POLICY.", "policy.published.", "'"):
        assert await found(nothing) == []


def test_the_frequent_events_are_those_of_the_hot_path() -> None:
    """The index leaves them out by these names."""
    assert set(queries.FREQUENT_EVENTS) == {decision_events.ALLOWED, decision_events.DENIED}


async def test_rare_events_are_found_by_the_index(committed_database: TestDatabase) -> None:
    """A filter by event must not walk through years of decisions."""
    now = utc_now()
    await tamper(
        committed_database,
        f"INSERT INTO ledger_entry SELECT gen_random_uuid(), '{now}', 'decision.allowed', '', '', '', ''"  # noqa: S608 - a time of our own
        " FROM generate_series(1, 20000)",
        "ANALYZE ledger_entry",
    )
    for event in ("policy.published", "policy."):
        condition, arguments = queries._event_condition(event)
        async with read_connection() as connection:
            query = f"EXPLAIN {queries._PAGE.format(condition=condition)}"
            plan = "\n".join(row[0] for row in await connection.fetch(query, None, 50, *arguments))
        assert f"ledger_entry_{now:%Y_%m}_event_id_idx" in plan, plan
        assert "Seq Scan on ledger_entry_2026_11" not in plan


@pytest.mark.usefixtures("committed_database")
@pytest.mark.parametrize("batches", [(1,), (2,), (7,), (8, 1), (1, 8), (5, 1, 6), (3, 3, 3, 3, 3)])
async def test_every_sealed_entry_comes_with_a_proof_that_an_outsider_can_check(
    tmp_path: Path, batches: tuple[int, ...]
) -> None:
    """Leaf hash from the body, path to the root, and our signature under that root."""
    await sealed_ledger(tmp_path, batches)
    for listed in await list_entries():
        detail = await entry_detail(listed.id)
        proof = detail.proof
        assert detail.entry == listed
        assert proof is not None
        signed = signer().verifier.open_checkpoint(proof.checkpoint.note)
        leaf = leaf_hash(detail.entry.body.encode())
        assert leaf == proof.leaf_hash
        assert root_from_inclusion(proof.leaf_index, signed.size, leaf, proof.path) == signed.root
        assert [part.part for part in detail.parts] == ["payload", "personal"]
        assert detail.missing_parts == ()


@pytest.mark.usefixtures("rolled_back_database")
async def test_an_entry_that_waits_has_no_proof_yet() -> None:
    """It is shown all the same."""
    detail = await entry_detail(await append(entry(1), now=NOON))
    assert (detail.proof, detail.entry.leaf_index) == (None, None)


@pytest.mark.usefixtures("rolled_back_database")
async def test_an_unknown_entry_is_told() -> None:
    """With the identifier that was looked for."""
    with pytest.raises(EntryUnknownError, match="018f0000"):
        await entry_detail(UUID("018f0000-0000-7000-8000-000000000000"))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_leaf SET leaf_hash = sha256('x') WHERE leaf_index = 6",
        "DELETE FROM ledger_leaf WHERE leaf_index = 6",
        "UPDATE ledger_checkpoint SET frontier = 'x' WHERE tree_size = 5",
        "UPDATE ledger_checkpoint SET frontier = sha256('x') || sha256('y') WHERE tree_size = 5",
        "UPDATE ledger_checkpoint SET root_hash = sha256('x') WHERE tree_size = 12",
        "DELETE FROM ledger_checkpoint WHERE tree_size = 12",
    ],
)
async def test_no_proof_is_made_up_over_a_damaged_tree(
    committed_database: TestDatabase, tmp_path: Path, statement: str
) -> None:
    """A page must not show a proof that proves nothing."""
    await sealed_ledger(tmp_path, (5, 7))
    (wanted,) = [each for each in await list_entries() if each.leaf_index == 7]
    await tamper(committed_database, statement)
    with pytest.raises(LedgerForkedError):
        await entry_detail(wanted.id)


@pytest.mark.usefixtures("committed_database")
async def test_checkpoints_are_listed_newest_first(tmp_path: Path) -> None:
    """At most as many as were asked for."""
    assert await list_checkpoints(10) == []
    await sealed_ledger(tmp_path, (5, 1, 6))
    newest = await newest_checkpoint()
    listed = await list_checkpoints(2)
    assert [each.tree_size for each in listed] == [12, 6]
    assert listed[0] == newest


async def test_content_that_retention_deleted_leaves_proofs_valid(
    committed_database: TestDatabase, tmp_path: Path
) -> None:
    """The retention role deletes content and nothing else; the rest of the entry and its proof stay."""
    ledger = await sealed_ledger(tmp_path)
    wanted = (await list_entries())[3]
    retention = await open_connection(committed_database.retention_url)
    await retention.execute("DELETE FROM ledger_payload WHERE entry_id = $1 AND part = 'payload'", wanted.id)
    for table in ("ledger_entry", "ledger_leaf", "ledger_checkpoint", "ledger_unsealed"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await retention.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await retention.execute("UPDATE ledger_payload SET content = 'x'")
    await retention.close()
    report = await ledger.verify()
    assert (report.is_intact, report.parts, report.missing_parts) == (True, 23, 1)
    detail = await entry_detail(wanted.id)
    assert ([part.part for part in detail.parts], detail.missing_parts) == (["personal"], ("payload",))
    assert detail.proof is not None
    assert (await ledger.seal()).tree_size == 12


async def test_a_whole_month_of_content_may_be_dropped(committed_database: TestDatabase, tmp_path: Path) -> None:
    """Retention by partition: millions of rows at once, and the ledger stays intact."""
    ledger, now = ledger_at(tmp_path), utc_now()
    await record(range(12), start=now.replace(day=1))
    await ledger.seal()
    await tamper(committed_database, f"DROP TABLE ledger_payload_{now:%Y_%m}")
    report = await ledger.verify()
    assert (report.is_intact, report.parts, report.missing_parts) == (True, 0, 24)


@pytest.mark.usefixtures("rolled_back_database")
async def test_a_detail_reads_one_partition_of_content() -> None:
    """However many months there are: its time tells which."""
    async with read_connection() as connection:
        rows: list[Any] = await connection.fetch(f"EXPLAIN {queries._PARTS}", uuid7(), utc_now())
    assert sum("Scan" in row[0] for row in rows) == 1


@pytest.mark.usefixtures("committed_database")
async def test_entries_of_long_ago_are_reached(tmp_path: Path) -> None:
    """Paging crosses months, and a detail finds its partition."""
    ledger = ledger_at(tmp_path)
    for months in range(12):
        await record([months], start=NOON - timedelta(days=31 * months))
    await ledger.seal()
    listed = await list_entries(limit=100)
    assert [each.subject for each in listed] == [f"thing:{number}" for number in range(12)]
    assert (await entry_detail(listed[-1].id)).proof is not None


@pytest.mark.usefixtures("committed_database")
async def test_reading_inside_a_transaction_sees_its_own_entries() -> None:
    """A verb may look at what it has just recorded."""
    async with transaction():
        identifier = await append(entry(1), now=NOON)
        assert [each.id for each in await list_entries()] == [identifier]
