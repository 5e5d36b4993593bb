"""Keeping the write-ahead log: pg_receivewal brings it into a spool, from where it is encrypted and stored.

A replication slot makes the server keep what has not arrived here. The segment that is still being written is stored
again and again, so that what was committed lies elsewhere within `upload_seconds` also on a quiet system.
"""

import io
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import msgspec

from appliance.backups import names, rules
from appliance.backups.errors import ProgramFailedError
from appliance.backups.ports import Store
from appliance.backups.programs import Programs, Running
from appliance.backups.sealing import Recipients

SLOT: Final = "leash_backup"
PARTIAL: Final = ".partial"
_NO_SEGMENT: Final = b"\0" * 8


class Shipped(msgspec.Struct, frozen=True, kw_only=True):
    """What one round stored: finished files, and whether the one that is being written."""

    finished: int
    is_partial: bool
    size: int


class LogKeeper:
    """The receiver of this process, and its spool."""

    def __init__(self, programs: Programs, store: Store, recipients: Recipients, *, spool: Path, system: str) -> None:
        """`spool` is a directory of this installation's own; it may hold what an earlier process left."""
        self._programs = programs
        self._store = store
        self._recipients = recipients
        self._spool = spool
        self._system = system
        self._open = ExitStack()
        self._running: Running | None = None
        self._stored_partial: tuple[str, int, int] | None = None

    def ensure_slot(self) -> None:
        """Make the slot, from which on the server keeps its log for us.

        Raises:
            ProgramFailedError: the server does not answer, refuses, or has no slot left.
        """
        self._programs.run(["pg_receivewal", "--slot", SLOT, "--create-slot", "--if-not-exists", "--no-password"])

    def receive(self) -> None:
        """Start the receiver unless it runs. It ends by itself when it loses the server, and with this process.

        Raises:
            ProgramFailedError: it has ended; its words. It is started anew the next time.
        """
        if self._running is not None and self._running.is_alive:
            return
        ended, self._running = self._running, None
        if ended is not None:
            try:
                ended.finish()
            finally:
                self._open.close()
        self._spool.mkdir(parents=True, exist_ok=True, mode=0o700)
        words = ["pg_receivewal", "-D", str(self._spool), "--slot", SLOT, "--no-loop", "--no-password"]
        self._running = self._open.enter_context(self._programs.running([*words, "--status-interval=2"]))

    @property
    def is_receiving(self) -> bool:
        """Whether the receiver runs."""
        return self._running is not None and self._running.is_alive

    def ship(self) -> Shipped:
        """Store what is finished and has not been stored, and the segment that is being written if it grew.

        Raises:
            StoreUnreachableError, StoreRefusedError: the store; the spool keeps everything for the next time.
        """
        finished = size = 0
        for path in self._finished():
            size += self._put(path.name, path.read_bytes())
            path.unlink()  # the store has it whole
            finished += 1
        is_partial = False
        for path in self._spool.glob(f"*{PARTIAL}"):
            about = path.stat()
            state = (path.name, about.st_size, about.st_mtime_ns)
            if state != self._stored_partial and (content := _written_part(path)):
                size += self._put(path.name, content)
                self._stored_partial, is_partial = state, True
        return Shipped(finished=finished, is_partial=is_partial, size=size)

    def waiting(self) -> tuple[int, int]:
        """Files and bytes of the spool that have not been stored."""
        sizes = [path.stat().st_size for path in self._finished()]
        return len(sizes), sum(sizes)

    def stop(self) -> None:
        """End the receiver."""
        self._running = None
        self._open.close()

    def _finished(self) -> list[Path]:
        """Finished segments and histories of timelines, the oldest first."""
        if not self._spool.is_dir():
            return []
        return sorted(
            path
            for path in self._spool.iterdir()
            if path.suffix != PARTIAL and (rules.is_segment(path.name) or path.suffix == ".history")
        )

    def _put(self, file: str, content: bytes) -> int:
        sealing = self._recipients.seal(io.BytesIO(content))
        try:
            return self._store.put(names.segment(self._system, file), sealing)
        finally:
            sealing.close()


def _written_part(path: Path) -> bytes:
    """A segment that is being written, zeros to its end; empty if nothing is in it yet."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:  # it was finished meanwhile
        return b""
    return b"" if content.startswith(_NO_SEGMENT) else content


def drop_slot(programs: Programs) -> None:
    """Let the server forget us; for an installation that keeps no backups any more."""
    try:
        programs.run(["pg_receivewal", "--slot", SLOT, "--drop-slot", "--no-password"])
    except ProgramFailedError as problem:
        if "does not exist" not in problem.detail:
            raise
