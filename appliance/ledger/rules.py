"""How an entry becomes the text that a leaf hashes, and content a salted commitment."""

import re
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec

from appliance.ledger.canonical import canonical_bytes, canonical_record, canonical_text
from appliance.ledger.errors import EntryRefusedError
from appliance.ledger.records import Actor, LedgerEntry, PreparedEntry, PreparedPart

BODY_VERSION = 1
SALT_BYTES = 32
PERSONAL = "personal"
PAYLOAD = "payload"
_PARTS = (PERSONAL, PAYLOAD)
_ENCODE = msgspec.json.Encoder().encode
_COMMITMENT = re.compile(r"[0-9a-f]{64}")


class _Actor(msgspec.Struct):
    """The part of an entry's text that says who."""

    id: str
    kind: str


class _Body(msgspec.Struct, kw_only=True):
    """An entry's text before it is written; the fields stand in the order of the canonical form.

    Attributes:
        facts: in canonical form already.
    """

    actor: _Actor
    commitments: dict[str, str]
    event: str
    facts: msgspec.Raw
    id: str
    occurred_at: str | msgspec.UnsetType = msgspec.UNSET
    recorded_at: str
    subject: str
    v: int = BODY_VERSION


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
    utc = moment.astimezone(UTC)
    # msgspec writes this form many times faster, but leaves out microseconds that are zero.
    if utc.microsecond:
        return _ENCODE(utc)[1:-1].decode()
    return utc.isoformat(timespec="microseconds")[:-6] + "Z"


def prepare(entry: LedgerEntry, *, id: UUID, now: datetime, salt_source: Callable[[], bytes]) -> PreparedEntry:  # noqa: A002 - the column's name
    """The entry as it will be written, recorded at `now` under `id`; `salt_source` gives 32 random bytes a call.

    Raises:
        EntryRefusedError: NUL in a name, or a time without its zone.
        CanonicalError: facts, personal fields or payload have no canonical form.
    """
    event, subject = str(entry.event), str(entry.subject)
    actor, kind = str(entry.actor.id), str(entry.actor.kind)
    if "\0" in event or "\0" in actor or "\0" in subject:
        raise EntryRefusedError("The event, actor or subject holds a NUL character, which the database cannot keep")
    parts, commitments = _parts(entry, salt_source)
    facts = {**entry.facts, "marker": entry.actor.marker} if entry.actor.marker else entry.facts
    body = _Body(
        actor=_Actor(actor, kind),
        commitments=commitments,
        event=event,
        facts=msgspec.Raw(canonical_bytes(facts, level=1)),
        id=str(id),
        occurred_at=msgspec.UNSET if entry.occurred_at is None else time_text(entry.occurred_at),
        recorded_at=time_text(now),
        subject=subject,
    )
    return PreparedEntry(id, now, event, kind, actor, subject, canonical_record(body).decode(), parts)


class Alike:
    """Entries that differ in subject and personal fields alone: the same text as `prepare` makes, many times faster."""

    def __init__(self, event: str, actor: Actor, facts: Mapping[str, Any], now: datetime) -> None:
        """What they have in common.

        Raises:
            EntryRefusedError, CanonicalError: as `prepare`.
        """
        self._name = {"actor_name": actor.name} if actor.name else {}
        hole = secrets.token_hex(16)
        entry = LedgerEntry(event=event, actor=actor, subject=hole, facts=facts, personal={"": hole})
        self._like = prepare(entry, id=UUID(hole), now=now, salt_source=lambda: b"")
        told = commitments_of(decoded(self._like.body))[PERSONAL]
        before, _, rest = self._like.body.partition(told)
        middle, _, rest = rest.partition(str(self._like.id))
        self._pieces = (before, middle, *rest.split(hole))

    def entry(self, subject: str, personal: Mapping[str, Any], *, id: UUID, salt: bytes) -> PreparedEntry:  # noqa: A002 - the column's name
        """One of them; `personal` is not empty.

        Raises:
            EntryRefusedError, CanonicalError: as `prepare`.
        """
        if "\0" in subject:
            raise EntryRefusedError("The subject holds a NUL character, which the database cannot keep")
        like, content = self._like, canonical_bytes({**personal, **self._name})
        before, middle, between, after = self._pieces
        stated, named = sha256(salt + content).hexdigest(), canonical_text(subject)[1:-1]
        return PreparedEntry(
            id, like.recorded_at, like.event, like.actor_kind, like.actor_id, subject,
            f"{before}{stated}{middle}{id}{between}{named}{after}",
            (PreparedPart(PERSONAL, salt, content.decode()),),
        )  # fmt: skip


def _parts(entry: LedgerEntry, salt_source: Callable[[], bytes]) -> tuple[tuple[PreparedPart, ...], dict[str, str]]:
    """The parts of an entry, and their commitments by name."""
    personal: Mapping[str, Any] = entry.personal
    if entry.actor.name:
        personal = {**personal, "actor_name": entry.actor.name}
    parts, commitments = [], {}
    for name, value in ((PERSONAL, personal), (PAYLOAD, entry.payload)):
        if value:
            salt, content = salt_source(), canonical_bytes(value)
            commitments[name] = sha256(salt + content).hexdigest()
            parts.append(PreparedPart(name, salt, content.decode()))
    return tuple(parts), commitments


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
