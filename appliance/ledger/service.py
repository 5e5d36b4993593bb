"""Recording: the one way into the ledger."""

import os
from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from appliance.clock import utc_now
from appliance.database.connection import current_connection
from appliance.database.identifiers import uuid7
from appliance.ledger import rules
from appliance.ledger.records import LedgerEntry, PreparedEntry
from appliance.ledger.statements import APPEND, append_arguments

_BATCH: Final = 2_000


def _salt() -> bytes:
    return os.urandom(rules.SALT_BYTES)


def prepare(entry: LedgerEntry, *, now: datetime) -> PreparedEntry:
    """The entry as it will be written, recorded at `now`; for writers that join it with a statement of their own.

    Raises:
        EntryRefusedError: NUL in a name, or a time without its zone.
        CanonicalError: facts, personal fields or payload have no canonical form.
    """
    chosen = entry.id or uuid7(int(now.timestamp() * 1000))
    return rules.prepare(entry, id=chosen, now=now, salt_source=_salt)


async def append_all(entries: Iterable[LedgerEntry], *, now: datetime) -> None:
    """Write many entries inside the running transaction, as `append` does one."""
    prepared = [prepare(entry, now=now) for entry in entries]
    for first in range(0, len(prepared), _BATCH):
        await current_connection().fetchval(APPEND, *append_arguments(prepared[first : first + _BATCH]))


async def append(entry: LedgerEntry, *, now: datetime | None = None) -> UUID:
    """Write the entry inside the running transaction: it commits with what it describes, or not at all.

    Returns its identifier. An entry whose identifier is there already is left as it was.

    Raises:
        EntryRefusedError, CanonicalError: as `prepare`.
        RuntimeError: no transaction is running.
    """
    prepared = prepare(entry, now=now or utc_now())
    await current_connection().fetchval(APPEND, *append_arguments([prepared]))
    return prepared.id
