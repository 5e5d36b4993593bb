"""Recording many things at once that happened in the same way, as at the first sync of a large directory."""

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from appliance.database.connection import current_connection
from appliance.database.identifiers import uuid7s
from appliance.ledger.records import Actor, PreparedPart
from appliance.ledger.rules import SALT_BYTES, Alike

_ENTRY: Final = ("id", "recorded_at", "event", "actor_kind", "actor_id", "subject", "body")
_PAYLOAD: Final = ("entry_id", "recorded_at", "part", "salt", "content")
_UNSEALED: Final = ("entry_id", "recorded_at")


async def append_alike(
    event: str,
    actor: Actor,
    facts: Mapping[str, Any],
    about: Sequence[tuple[str, Mapping[str, Any]]],
    *,
    now: datetime,
) -> None:
    """Write an entry for each subject and its personal fields (never empty), as `append` writes one.

    Entries are prepared while the database takes those before them.

    Raises:
        EntryRefusedError, CanonicalError: as `prepare`.
        RuntimeError: no transaction is running.
    """
    written: list[tuple[UUID, PreparedPart]] = []
    alike, salts = Alike(event, actor, facts, now), os.urandom(SALT_BYTES * len(about))
    ids = uuid7s(len(about), int(now.timestamp() * 1000))

    def rows() -> Iterator[tuple[Any, ...]]:
        for number, (subject, personal) in enumerate(about):
            salt = salts[SALT_BYTES * number : SALT_BYTES * (number + 1)]
            each = alike.entry(subject, personal, id=ids[number], salt=salt)
            written.append((each.id, each.parts[0]))
            yield each.id, now, each.event, each.actor_kind, each.actor_id, subject, each.body

    connection = current_connection()
    await connection.copy_records_to_table("ledger_entry", records=rows(), columns=_ENTRY)
    parts = ((entry_id, now, part.part, part.salt, part.content) for entry_id, part in written)
    await connection.copy_records_to_table("ledger_payload", records=parts, columns=_PAYLOAD)
    queue = ((entry_id, now) for entry_id, _ in written)
    await connection.copy_records_to_table("ledger_unsealed", records=queue, columns=_UNSEALED)
