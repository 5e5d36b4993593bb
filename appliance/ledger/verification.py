"""Verification: every sealed entry is hashed again, and the tree compared with every signed checkpoint."""

from collections.abc import Callable

from appliance.ledger.errors import CheckpointInvalidError
from appliance.ledger.findings import Findings, check_leaf, signed_in
from appliance.ledger.note import Checkpoint, Verifier
from appliance.ledger.reading import KeptCheckpoint, SealedLeaf, Strays, sealed_before, sealed_bound, strays
from appliance.ledger.records import Problem, VerifyReport
from appliance.ledger.tree import Frontier
from appliance.ledger.witness import CheckpointFile

_FILE = "checkpoint file"
_GIVEN = "given checkpoint"


def outside_checkpoint(file: CheckpointFile, verifier: Verifier) -> tuple[Checkpoint | None, Problem | None]:
    """The checkpoint in the installation's own file, or what is wrong with the file."""
    try:
        note = file.read_note()
        return (None if note is None else verifier.open_checkpoint(note)), None
    except CheckpointInvalidError as problem:
        return None, Problem("outside_unusable", _FILE, f"{problem.detail}.")


class Verification:
    """One run over the whole ledger."""

    def __init__(
        self,
        verifier: Verifier,
        *,
        given: Checkpoint | None,
        kept: Checkpoint | None,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        """`given` and `kept` are checkpoints from outside the database: the caller's and the installation's own."""
        self.findings = Findings()
        self._verifier = verifier
        self._outside = [(place, at) for place, at in ((_GIVEN, given), (_FILE, kept)) if at is not None]
        self._progress = progress
        # Grows by every leaf that is there and is never set back: only this tree is compared with the outside.
        self._tree = Frontier()
        # After a mismatch, the tree as it was signed: so that what was not touched is not blamed as well.
        self._resumed: Frontier | None = None
        self._next = 0  # the leaf that must come
        self._read = 0  # size of the last checkpoint, whoever made it
        self._previous = 0  # size of the last one that we have signed
        self._leaves = self._checkpoints = self._parts = self._missing = 0

    async def report(self) -> VerifyReport:
        """Look at everything."""
        bound = await sealed_bound()
        self._compare_outside(0, 0)
        async for piece in sealed_before(bound):
            for record in piece:
                if isinstance(record, SealedLeaf):
                    self._grow(record)
                else:
                    self._check(record)
            if self._progress is not None:
                self._progress(self._leaves, bound)
        self._end(bound)
        found = await strays(bound, is_suspected=self.findings.count > 0)
        self._add_strays(found)
        return VerifyReport(
            is_intact=not self.findings.count,
            leaves=self._leaves,
            checkpoints=self._checkpoints,
            parts=self._parts,
            missing_parts=self._missing,
            unsealed=found.waiting,
            outside_size=self._outside[0][1].size if self._outside else None,
            root=self._tree.root().hex(),
            problem_count=self.findings.count,
            problems=tuple(self.findings.first),
        )

    def _add(self, kind: str, place: str, sentence: str) -> None:
        self.findings.add(Problem(kind, place, sentence))

    def _grow(self, leaf: SealedLeaf) -> None:
        if leaf.index < self._next:
            self._add("leaf_repeated", f"leaf {leaf.index}", "The place is taken more than once, or below zero.")
        elif leaf.index > self._next:
            self._skip(leaf.index)
        problems, missing = check_leaf(leaf)
        for problem in problems:
            self.findings.add(problem)
        self._tree.append(leaf.hash)
        if self._resumed is not None:
            self._resumed.append(leaf.hash)
        self._next = max(self._next, leaf.index + 1)
        self._leaves += 1
        self._parts += len(leaf.parts)
        self._missing += missing
        self._compare_outside(self._next, self._next)

    def _skip(self, index: int) -> None:
        """The leaves before `index` are not there."""
        place = f"leaf {self._next}" if index == self._next + 1 else f"leaves {self._next}-{index - 1}"
        self._add("leaf_missing", place, f"Of the tree's leaves, {index - self._next} are not in the database.")
        self._compare_outside(self._next + 1, index)
        self._next = index

    def _check(self, kept: KeptCheckpoint) -> None:
        """A stored checkpoint, when all leaves before its size have been seen."""
        size, root = kept.stored.tree_size, kept.stored.root
        place = f"checkpoint {size}"
        if size > self._next:
            self._skip(size)
        signed, problem = signed_in(kept, self._verifier)
        if problem is not None:
            self.findings.add(problem)
        if signed is not None:
            if signed.previous != self._previous:
                self._add("checkpoint_missing", place, f"The one before it, of {signed.previous} leaves, is gone.")
            self._previous = size
        self._checkpoints += 1
        self._read = size
        tree = self._resumed or self._tree
        if (tree.size, tree.root()) != (size, root):
            self._add("root_mismatch", place, "The tree over the leaves before it has another root.")
            self._resume(kept)
        elif tree.state() != kept.frontier:
            self._add("checkpoint_edited", place, "Its frontier is not that of the tree.")

    def _resume(self, kept: KeptCheckpoint) -> None:
        try:
            frontier = Frontier.from_state(kept.stored.tree_size, kept.frontier)
        except ValueError:
            return
        if frontier.root() == kept.stored.root:
            self._resumed = frontier

    def _compare_outside(self, first: int, last: int) -> None:
        """The tree as it is against the checkpoints from outside whose size lies between `first` and `last`."""
        tree = self._tree
        for place, outside in self._outside:
            if first <= outside.size <= last and (tree.size, tree.root()) != (outside.size, outside.root):
                self._add("forked", place, f"The first {outside.size} leaves are not those that were signed there.")

    def _end(self, bound: int) -> None:
        """After the last leaf and checkpoint."""
        if self._read < self._next:
            place = f"leaf {self._read}"
            self._add("leaf_uncovered", place, f"No checkpoint covers the leaves from {self._read} on.")
        for place, outside in self._outside:
            if outside.size > bound:
                self._add("truncated", place, f"There are {self._leaves} leaves; {outside.size} were signed there.")

    def _add_strays(self, found: Strays) -> None:
        for entry in found.entries:
            self._add("entry_unaccounted", f"entry {entry}", "It is neither sealed nor waiting for the sealer.")
        for entry in found.places:
            self._add("queue_damaged", f"entry {entry}", "It waits for the sealer, but is sealed already or gone.")
        if found.below > self._leaves:
            self._add("leaf_repeated", "all leaves", f"There are {found.below}, at {self._leaves} places.")
        elif found.below < self._leaves:
            self._add("leaf_missing", "all leaves", f"{self._leaves} were read, {found.below} are there now.")
