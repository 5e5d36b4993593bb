"""The sealed ledger as a file that says everything the independent verifier needs (docs/reference/ledger.md)."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from appliance.ledger.note import Verifier
from appliance.ledger.reading import KeptCheckpoint, SealedLeaf, sealed_before, sealed_bound, strays
from appliance.ledger.rules import time_text

FORMAT_VERSION = 1
Write = Callable[[bytes], object]
_encode = msgspec.json.Encoder().encode


class ExportResult(msgspec.Struct, frozen=True, kw_only=True):
    """What was written."""

    leaves: int
    checkpoints: int
    parts: int
    tree_size: int


async def export(verifier: Verifier, now: datetime, write: Write) -> ExportResult:
    """Give `write` one JSON object a line: header, leaves, each checkpoint behind its last leaf, strays, end.

    What is damaged is written as it is: judging is left to the reader.
    """

    def line(record: Mapping[str, Any]) -> None:
        write(_encode(record) + b"\n")

    bound = await sealed_bound()
    header = {"version": FORMAT_VERSION, "key": verifier.text(), "exported_at": time_text(now), "size": bound}
    line({"type": "ledger", **header})
    leaves = checkpoints = parts = 0
    async for piece in sealed_before(bound):
        for record in piece:
            if isinstance(record, SealedLeaf):
                line(_leaf(record))
                leaves += 1
                parts += len(record.parts)
            else:
                line(_checkpoint(record))
                checkpoints += 1
    found = await strays(bound, is_suspected=True)
    for kind, entries in (("entry_unaccounted", found.entries), ("queue_damaged", found.places)):
        for entry in entries:
            line({"type": "stray", "kind": kind, "entry_id": str(entry)})
    line({"type": "end", "leaves": found.below, "checkpoints": checkpoints})
    return ExportResult(leaves=leaves, checkpoints=checkpoints, parts=parts, tree_size=bound)


def _leaf(leaf: SealedLeaf) -> dict[str, Any]:
    entry = leaf.entry
    return {
        "type": "leaf",
        "index": leaf.index,
        "hash": leaf.hash.hex(),
        "entry_id": str(leaf.entry_id),
        "entry": None if entry is None else {
            "id": str(entry.id),
            "recorded_at": time_text(entry.recorded_at),
            "event": entry.event,
            "actor_kind": entry.actor_kind,
            "actor_id": entry.actor_id,
            "subject": entry.subject,
            "body": entry.body,
        },
        "parts": [{"part": part.part, "salt": part.salt.hex(), "content": part.content} for part in leaf.parts],
    }  # fmt: skip


def _checkpoint(kept: KeptCheckpoint) -> dict[str, Any]:
    stored = kept.stored
    return {
        "type": "checkpoint",
        "size": stored.tree_size,
        "root": stored.root.hex(),
        "frontier": kept.frontier.hex(),
        "sealed_at": time_text(stored.sealed_at),
        "note": stored.note,
    }
