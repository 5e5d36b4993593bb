"""The newest checkpoint in a file beside the key: outside the database, so that a rewritten database is seen."""

import os
import secrets
from pathlib import Path

from appliance.ledger.errors import CheckpointInvalidError
from appliance.ledger.note import Checkpoint, split_note


class CheckpointFile:
    """One signed checkpoint in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read_note(self) -> str | None:
        """The signed note, or None if there is no file.

        Raises:
            CheckpointInvalidError: the file cannot be read as text.
        """
        try:
            return self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as problem:
            raise CheckpointInvalidError(f"{self.path} cannot be read: {problem}") from problem

    def read(self) -> Checkpoint | None:
        """What the note says, signature unchecked, or None if there is no file.

        Raises:
            CheckpointInvalidError: the file holds no checkpoint.
        """
        note = self.read_note()
        return None if note is None else Checkpoint.parse(split_note(note)[0])

    def write(self, note: str) -> None:
        """Replace the file at once: a reader, or a crash, finds the old note or the new one."""
        fresh = self.path.with_name(f".{self.path.name}.{secrets.token_hex(8)}")
        try:
            with fresh.open("w", encoding="utf-8") as file:
                file.write(note)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path)
        finally:
            fresh.unlink(missing_ok=True)
