"""What goes into the ledger and what comes out of it."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec


class ActorKind(StrEnum):
    """Who can act."""

    PERSON = "person"
    MACHINE = "machine"
    OPERATOR = "operator"  # leashctl, on the appliance's own machine
    SYSTEM = "system"  # the service itself: expiry, sealing, schedules
    ANONYMOUS = "anonymous"  # somebody who has not signed in


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who does something; handed to every service verb.

    Attributes:
        kind: what it is.
        id: pseudonymous identifier (a UUID, or `leashctl`, `scheduler`), safe to keep for ever.
        name: personal (display name, e-mail, host name); enters the ledger by commitment only.
        marker: an exceptional right that it is done by, e.g. `break_glass`; stands in the facts of every entry.
    """

    kind: ActorKind
    id: str
    name: str = ""
    marker: str = ""


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened, before it is written.

    Attributes:
        event: `noun.verb` from the feature's events.py, e.g. `decision.allowed`.
        actor: who did it.
        subject: what it was done to, `noun:identifier`, e.g. `machine:018f...`.
        facts: small public JSON object without personal data, payload or secrets; kept for ever, in the leaf.
        personal: personal fields, by salted commitment (the actor's name is added to them).
        payload: content fields (masked arguments and the like), by salted commitment.
        id: UUIDv7; the writer makes one if it is None.
        occurred_at: aware UTC; enters the leaf only if it is given.
    """

    event: str
    actor: Actor
    subject: str
    facts: Mapping[str, Any] = {}
    personal: Mapping[str, Any] = {}
    payload: Mapping[str, Any] = {}
    id: UUID | None = None
    occurred_at: datetime | None = None


class PreparedPart(msgspec.Struct, frozen=True, gc=False):
    """Content that enters an entry by commitment: SHA-256 over `salt` and the UTF-8 of `content`.

    Attributes:
        part: `personal` or `payload`.
        salt: 32 random bytes.
        content: canonical JSON text (RFC 8785).
    """

    part: str
    salt: bytes
    content: str


class PreparedEntry(msgspec.Struct, frozen=True):
    """An entry as it is written; `body` is what the leaf hashes, the other columns repeat it for search."""

    id: UUID
    recorded_at: datetime
    event: str
    actor_kind: str
    actor_id: str
    subject: str
    body: str
    parts: tuple[PreparedPart, ...]


class SealResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one run of the sealer did.

    Attributes:
        sealed: number of leaves added.
        tree_size: leaves in the tree now.
        note: the newest signed checkpoint; empty while nothing is sealed.
        is_busy: another sealer was at work, nothing was done.
    """

    sealed: int
    tree_size: int
    note: str
    is_busy: bool = False


class StoredCheckpoint(msgspec.Struct, frozen=True):
    """A signed statement of the tree's size and root (C2SP tlog-checkpoint)."""

    tree_size: int
    root: bytes
    note: str
    sealed_at: datetime


class StoredEntry(msgspec.Struct, frozen=True):
    """An entry as it lies in the database; `leaf_index` is None until it is sealed."""

    id: UUID
    recorded_at: datetime
    event: str
    actor_kind: str
    actor_id: str
    subject: str
    body: str
    leaf_index: int | None


class InclusionProof(msgspec.Struct, frozen=True, kw_only=True):
    """That a leaf is in a checkpoint's tree (RFC 6962 section 2.1.1); `path` goes from the leaf up."""

    leaf_index: int
    leaf_hash: bytes
    path: tuple[bytes, ...]
    checkpoint: StoredCheckpoint


class EntryDetail(msgspec.Struct, frozen=True, kw_only=True):
    """An entry with its content and proof.

    Attributes:
        parts: the parts that are still stored.
        missing_parts: names of parts that were lawfully deleted; their commitments stay in the entry.
        proof: None until the entry is sealed.
    """

    entry: StoredEntry
    parts: tuple[PreparedPart, ...]
    missing_parts: tuple[str, ...]
    proof: InclusionProof | None


class Problem(msgspec.Struct, frozen=True):
    """Something that verification found.

    Attributes:
        kind: stable name, listed in docs/reference/ledger.md.
        place: where, e.g. `leaf 17`, `checkpoint 20`, `entry 018f...`.
        sentence: what is wrong there.
    """

    kind: str
    place: str
    sentence: str


class VerifyReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a verification saw.

    Attributes:
        is_intact: no problem was found.
        leaves, checkpoints, parts: how many were checked.
        missing_parts: parts that were lawfully deleted.
        unsealed: entries that wait for the sealer.
        outside_size: leaves in the checkpoint kept outside the database; None if there was none.
        root: hex root of the tree over all leaves seen.
        problem_count: how many problems were found; `problems` holds the first of them.
    """

    is_intact: bool
    leaves: int
    checkpoints: int
    parts: int
    missing_parts: int
    unsealed: int
    outside_size: int | None
    root: str
    problem_count: int
    problems: tuple[Problem, ...]
