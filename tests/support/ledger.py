"""A ledger with something in it, and the hands of somebody who can write into its database."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from appliance.database.connection import open_connection
from appliance.database.transaction import transaction
from appliance.ledger.ledger import Ledger
from appliance.ledger.note import Signer
from appliance.ledger.records import Actor, ActorKind, LedgerEntry
from appliance.ledger.service import append
from appliance.ledger.witness import CheckpointFile
from tests.support.postgres import TestDatabase

SEED = bytes(range(1, 33))
NAME = "example.org/ledger"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ADA = Actor(kind=ActorKind.PERSON, id="ada", name="Ada Lovelace")


def signer() -> Signer:
    """The key of every test ledger."""
    return Signer(NAME, SEED)


def ledger_at(folder: Path, now: datetime = NOON) -> Ledger:
    """A ledger whose checkpoint file lies in `folder`."""
    return Ledger(signer(), CheckpointFile(folder / "ledger.checkpoint"), lambda: now)


def entry(number: int, event: str = "policy.published", **fields: Any) -> LedgerEntry:  # noqa: ANN401 - fields of an entry
    """An entry with facts, a personal part and a payload."""
    return LedgerEntry(
        event=event,
        actor=ADA,
        subject=f"thing:{number}",
        facts={"number": number},
        payload={"text": f"content {number}"},
        **fields,
    )


async def record(numbers: Sequence[int], start: datetime = NOON, event: str = "policy.published") -> None:
    """One committed entry per number, a second apart."""
    async with transaction():
        for number in numbers:
            await append(entry(number, event), now=start + timedelta(seconds=number))


async def sealed_ledger(folder: Path, batches: Sequence[int] = (5, 1, 6)) -> Ledger:
    """A ledger with a checkpoint after each of the batches: by default 12 leaves, checkpoints of 5, 6 and 12."""
    await asyncio.to_thread(folder.mkdir, exist_ok=True)
    ledger, first = ledger_at(folder), 0
    for count in batches:
        await record(range(first, first + count))
        await ledger.seal()
        first += count
    return ledger


async def tamper(database: TestDatabase, *statements: str) -> None:
    """What somebody with the owner's rights does."""
    connection = await open_connection(database.owner_url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def rows(database: TestDatabase, query: str, *arguments: object) -> list[Any]:
    """Read as the owner."""
    connection = await open_connection(database.owner_url)
    try:
        return list(await connection.fetch(query, *arguments))
    finally:
        await connection.close()
