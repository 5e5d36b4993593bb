"""The ledger of this installation: its key, its checkpoint outside the database, sealing and verification."""

import asyncio
from collections.abc import Callable

from appliance.clock import Clock
from appliance.database.transaction import transaction
from appliance.ledger import events
from appliance.ledger.errors import LedgerError
from appliance.ledger.export import ExportResult, export
from appliance.ledger.note import Checkpoint, Signer
from appliance.ledger.records import Actor, LedgerEntry, SealResult, VerifyReport
from appliance.ledger.sealing import BATCH_MAX, seal_batch
from appliance.ledger.service import append
from appliance.ledger.verification import Verification, outside_checkpoint
from appliance.ledger.witness import CheckpointFile


class Ledger:
    """Seals what was recorded and finds what was changed."""

    def __init__(self, signer: Signer, checkpoint_file: CheckpointFile, clock: Clock) -> None:
        """`checkpoint_file` lies outside the database: a database that was restored or rewritten differs from it."""
        self._signer = signer
        self._file = checkpoint_file
        self._clock = clock

    @property
    def public_key(self) -> str:
        """The verifier key to hand out: `NAME+KEYID+BASE64`."""
        return self._signer.verifier.text()

    async def seal(self) -> SealResult:
        """Seal everything that waits; safe to run in several processes at once, and to be killed at any moment.

        Raises:
            LedgerForkedError: the database does not hold, or does not continue, what was signed before.
            CheckpointInvalidError: the newest checkpoint, in the database or in the file, is not ours.
            LedgerError: sealed, but the checkpoint's file cannot be written.
        """
        sealed = 0
        while True:
            witness = self._witness()
            batch = await seal_batch(self._signer, witness, self._clock())
            sealed += batch.sealed
            if not batch.is_busy:
                await self._keep(batch.note, batch.size, witness)
            if batch.sealed < BATCH_MAX:
                break
        is_busy = batch.is_busy and not sealed
        return SealResult(sealed=sealed, tree_size=batch.size, note=batch.note, is_busy=is_busy)

    async def verify(
        self, *, outside: str | None = None, progress: Callable[[int, int], None] | None = None
    ) -> VerifyReport:
        """Hash everything again, and compare it with what was signed.

        Args:
            outside: a signed checkpoint that was kept elsewhere; the installation's own file is looked at as well.
            progress: is told leaves done and leaves in all, now and then.

        Raises:
            CheckpointInvalidError: `outside` is not a checkpoint of this ledger.
        """
        verifier = self._signer.verifier
        given = None if outside is None else verifier.open_checkpoint(outside)
        # Read before the database is: what the file says was committed by then.
        kept, problem = outside_checkpoint(self._file, verifier)
        run = Verification(verifier, given=given, kept=kept, progress=progress)
        if problem is not None:
            run.findings.add(problem)
        return await run.report()

    async def export(self, actor: Actor, write: Callable[[bytes], object]) -> ExportResult:
        """Give everything that is sealed, content included, to `write`; that somebody did is recorded first."""
        async with transaction():
            await append(LedgerEntry(event=events.EXPORTED, actor=actor, subject="ledger:all"), now=self._clock())
        return await export(self._signer.verifier, self._clock(), write)

    def _witness(self) -> Checkpoint | None:
        note = self._file.read_note()
        return None if note is None else self._signer.verifier.open_checkpoint(note)

    async def _keep(self, note: str, size: int, witness: Checkpoint | None) -> None:
        """Bring the file up to `note`; also when an earlier run was killed before it could."""
        if not note or (witness is not None and witness.size >= size):
            return
        try:
            await asyncio.to_thread(self._write_newer, note, size)
        except OSError as problem:
            raise LedgerError(f"The checkpoint cannot be written to {self._file.path}: {problem}") from problem

    def _write_newer(self, note: str, size: int) -> None:
        newest = self._witness()
        if newest is None or newest.size < size:  # another process may have been faster
            self._file.write(note)
