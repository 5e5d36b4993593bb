"""What one leaf and one checkpoint must be, checked without a database."""

from collections.abc import Iterator, Mapping
from typing import Any

from appliance.ledger.checkpoints import Sealed, opened
from appliance.ledger.errors import CheckpointInvalidError
from appliance.ledger.note import Verifier
from appliance.ledger.reading import KeptCheckpoint, SealedLeaf
from appliance.ledger.records import Problem, StoredEntry
from appliance.ledger.rules import commitment, commitments_of, decoded, time_text
from appliance.ledger.tree import leaf_hash

PROBLEMS_MAX = 100
# Kind -> what it means; docs/reference/ledger.md has the same list.
KINDS = {
    "leaf_missing": "A leaf is gone from the tree.",
    "leaf_repeated": "A place in the tree is taken more than once.",
    "leaf_uncovered": "A leaf lies beyond the newest checkpoint.",
    "entry_missing": "An entry that was sealed is gone.",
    "entry_edited": "An entry is not the one that its leaf sealed: it was edited, or entries were swapped.",
    "entry_column_edited": "A column beside the sealed text says something else than the text.",
    "entry_unaccounted": "An entry is neither sealed nor waiting for the sealer: it was inserted, or its leaf is gone.",
    "part_edited": "Content does not fit the commitment that was sealed.",
    "part_inserted": "Content was added to an entry that commits to none.",
    "queue_damaged": "A place in the sealer's queue has no entry, or one that is sealed already.",
    "checkpoint_invalid": "A checkpoint is not signed by this ledger's key.",
    "checkpoint_edited": "A column of a checkpoint says something else than the signed text.",
    "checkpoint_missing": "The checkpoint that a later one names as the one before it is gone.",
    "root_mismatch": "The tree over the leaves is not the one that was signed.",
    "truncated": "Fewer leaves are there than were signed outside the database.",
    "forked": "The tree is not the one that was signed outside the database.",
    "outside_unusable": "The checkpoint file beside the signing key cannot be used.",
}


class Findings:
    """The problems found so far: all are counted, the first are kept."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[Problem] = []

    def add(self, problem: Problem) -> None:
        """One more."""
        self.count += 1
        if len(self.first) < PROBLEMS_MAX:
            self.first.append(problem)


def check_leaf(leaf: SealedLeaf) -> tuple[list[Problem], int]:
    """What is wrong with a leaf's entry and content, and how many parts were deleted."""
    place, entry = f"leaf {leaf.index}", leaf.entry
    if entry is None:
        return [Problem("entry_missing", place, f"The entry {leaf.entry_id} is not in the database.")], 0
    if leaf_hash(entry.body.encode()) != leaf.hash:
        return [Problem("entry_edited", place, f"The entry {entry.id} is not what was sealed here.")], 0
    body = decoded(entry.body)
    problems = [
        Problem("entry_column_edited", place, f"The column {column} of the entry {entry.id} is not as it was sealed.")
        for column, is_same in _columns(entry, body)
        if not is_same
    ]
    stated = commitments_of(body)
    for part in leaf.parts:
        if part.part not in stated:
            problems.append(Problem("part_inserted", place, f"The entry {entry.id} has no {part.part} part."))
        elif commitment(part.salt, part.content) != stated[part.part]:
            sentence = f"The {part.part} part of the entry {entry.id} is not what was sealed."
            problems.append(Problem("part_edited", place, sentence))
    return problems, len(stated.keys() - {part.part for part in leaf.parts})


def _columns(entry: StoredEntry, body: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """Each column that repeats something of the sealed text, and whether it is the same."""
    actor = body.get("actor")
    who = actor if isinstance(actor, dict) else {}
    yield "id", body.get("id") == str(entry.id)
    yield "recorded_at", body.get("recorded_at") == time_text(entry.recorded_at)
    yield "event", body.get("event") == entry.event
    yield "actor_kind", who.get("kind") == entry.actor_kind
    yield "actor_id", who.get("id") == entry.actor_id
    yield "subject", body.get("subject") == entry.subject


def signed_in(kept: KeptCheckpoint, verifier: Verifier) -> tuple[Sealed | None, Problem | None]:
    """What a stored checkpoint says under our signature, if it has one, and what is wrong with it."""
    stored, place = kept.stored, f"checkpoint {kept.stored.tree_size}"
    try:
        signed = opened(verifier, stored.note)
    except CheckpointInvalidError as problem:
        return None, Problem("checkpoint_invalid", place, f"{problem.detail}.")
    if (stored.tree_size, stored.root, time_text(stored.sealed_at)) == (signed.size, signed.root, signed.sealed_at):
        return signed, None
    sentence = (
        f"What was signed is a tree of {signed.size} leaves with the root {signed.root.hex()}, {signed.sealed_at}."
    )
    return signed, Problem("checkpoint_edited", place, sentence)
