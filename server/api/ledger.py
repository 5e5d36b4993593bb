"""The ledger, for scripts: the checkpoint to keep outside, entries, and their proofs."""

from datetime import datetime
from uuid import UUID

import msgspec
from litestar import get
from litestar.params import FromPath, FromQuery

from appliance.identity.rules import Permission
from appliance.ledger.errors import CheckpointMissingError
from appliance.ledger.queries import entry_detail, list_entries, newest_checkpoint
from appliance.ledger.records import InclusionProof, PreparedPart, StoredCheckpoint, StoredEntry
from server.api.records import PAGE, Limit
from server.authorization import requires
from server.dashboard.dependencies import AnyRequest, appliance_of

_READ = requires(Permission.LEDGER_READ)


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A signed statement of the tree's size and root (C2SP tlog-checkpoint); `root` in hexadecimal."""

    tree_size: int
    root: str
    note: str
    sealed_at: datetime


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Content that an entry commits to: SHA-256 over `salt` (hexadecimal) and the UTF-8 of `content`."""

    part: str
    salt: str
    content: str


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """That the entry is a leaf of the checkpoint's tree (RFC 6962 section 2.1.1); hashes in hexadecimal, leaf up."""

    leaf_index: int
    leaf_hash: str
    path: list[str]
    checkpoint: Checkpoint


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry as it was hashed, what is left of its content, and its proof once it is sealed."""

    entry: StoredEntry
    parts: list[Part]
    missing_parts: list[str]
    proof: Proof | None


class EntryPage(msgspec.Struct, frozen=True, kw_only=True):
    """Entries, newest first; `next` is `before` of the following page."""

    entries: list[StoredEntry]
    next: UUID | None


class PublicKey(msgspec.Struct, frozen=True):
    """The key that signs checkpoints, as a signed-note verifier key."""

    public_key: str


@get("/v1/ledger/checkpoint", guards=[_READ], tags=["Ledger"])
async def show_checkpoint() -> Checkpoint:
    """The newest checkpoint."""
    newest = await newest_checkpoint()
    if newest is None:
        raise CheckpointMissingError
    return _checkpoint(newest)


@get("/v1/ledger/key", guards=[_READ], tags=["Ledger"], sync_to_thread=False)
def show_key(request: AnyRequest) -> PublicKey:
    """The public key."""
    return PublicKey(appliance_of(request).ledger.public_key)


@get("/v1/ledger/entries", guards=[_READ], tags=["Ledger"])
async def find_entries(
    event: FromQuery[str] = "", before: FromQuery[UUID | None] = None, limit: Limit = PAGE
) -> EntryPage:
    """Entries; `event` names one event, or with a dot at its end all that begin so."""
    found = await list_entries(before=before, event=event[:100].replace("\0", ""), limit=limit + 1)
    return EntryPage(entries=found[:limit], next=found[limit - 1].id if len(found) > limit else None)


@get("/v1/ledger/entries/{entry_id:uuid}", guards=[_READ], tags=["Ledger"])
async def show_ledger_entry(entry_id: FromPath[UUID]) -> Entry:
    """One entry with its proof."""
    detail = await entry_detail(entry_id)
    return Entry(
        entry=detail.entry,
        parts=[_part(part) for part in detail.parts],
        missing_parts=list(detail.missing_parts),
        proof=None if detail.proof is None else _proof(detail.proof),
    )


def _checkpoint(stored: StoredCheckpoint) -> Checkpoint:
    return Checkpoint(tree_size=stored.tree_size, root=stored.root.hex(), note=stored.note, sealed_at=stored.sealed_at)


def _part(part: PreparedPart) -> Part:
    return Part(part=part.part, salt=part.salt.hex(), content=part.content)


def _proof(proof: InclusionProof) -> Proof:
    return Proof(
        leaf_index=proof.leaf_index,
        leaf_hash=proof.leaf_hash.hex(),
        path=[step.hex() for step in proof.path],
        checkpoint=_checkpoint(proof.checkpoint),
    )


handlers = [show_checkpoint, show_key, find_entries, show_ledger_entry]
