"""How an entry becomes the text that a leaf hashes, and content a salted commitment."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec

from appliance.ledger.canonical import canonical_text
from appliance.ledger.errors import EntryRefusedError
from appliance.ledger.records import LedgerEntry, PreparedEntry, PreparedPart

BODY_VERSION = 1
SALT_BYTES = 32
PERSONAL = "personal"
PAYLOAD = "payload"
_PARTS = (PERSONAL, PAYLOAD)
_COMMITMENT = re.compile(r"[0-9a-f]{64}")


def commitment(salt: bytes, content: str) -> str:
    """Hex SHA-256 over salt and content: tells nothing about the content, and can be checked against it."""
    return sha256(salt + content.encode()).hexdigest()


def time_text(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds, e.g. `2026-11-22T22:30:30.783765Z`.

    Raises:
        EntryRefusedError: the time has no zone.
    """
    if moment.tzinfo is None:
        raise EntryRefusedError("A time without its zone names no moment")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def prepare(entry: LedgerEntry, *, id: UUID, now: datetime, salt_source: Callable[[], bytes]) -> PreparedEntry:  # noqa: A002 - the column's name
    """The entry as it will be written, recorded at `now` under `id`; `salt_source` gives 32 random bytes a call.

    Raises:
        EntryRefusedError: NUL in a name, or a time without its zone.
        CanonicalError: facts, personal fields or payload have no canonical form.
    """
    actor, subject, event = entry.actor, entry.subject, entry.event
    for name in (event, actor.id, subject):
        if "\x00" in name:
            raise EntryRefusedError("The event, actor or subject holds a NUL character, which the database cannot keep")
    parts = _parts(entry, salt_source)
    body: dict[str, Any] = {
        "actor": {"id": actor.id, "kind": actor.kind.value},
        "commitments": {part.part: commitment(part.salt, part.content) for part in parts},
        "event": event,
        "facts": entry.facts,
        "id": str(id),
        "recorded_at": time_text(now),
        "subject": subject,
        "v": BODY_VERSION,
    }
    if entry.occurred_at is not None:
        body["occurred_at"] = time_text(entry.occurred_at)
    return PreparedEntry(
        id, now, str(event), actor.kind.value, str(actor.id), str(subject), canonical_text(body), parts
    )


def _parts(entry: LedgerEntry, salt_source: Callable[[], bytes]) -> tuple[PreparedPart, ...]:
    personal: Mapping[str, Any] = entry.personal
    if entry.actor.name:
        personal = {**personal, "actor_name": entry.actor.name}
    contents = ((PERSONAL, personal), (PAYLOAD, entry.payload))
    return tuple(PreparedPart(name, salt_source(), canonical_text(value)) for name, value in contents if value)


def decoded(body: str) -> Mapping[str, Any]:
    """The JSON object that an entry's text is; empty if somebody made something else of it."""
    try:
        value = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def commitments_of(body: Mapping[str, Any]) -> dict[str, str]:
    """Part name -> commitment of a decoded body; parts of a strange shape are left out."""
    stated = body.get("commitments")
    if not isinstance(stated, Mapping):
        return {}
    return {
        name: value
        for name, value in stated.items()
        if name in _PARTS and isinstance(value, str) and _COMMITMENT.fullmatch(value)
    }
