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
# RFC 8032 section 7.1, tests 1 to 3: seed, public key, message, signature.
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
]


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
