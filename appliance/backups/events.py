"""Ledger events of backups."""

from typing import Final

TAKEN: Final = "backup.taken"
FAILED: Final = "backup.failed"
PRUNED: Final = "backup.pruned"
RESTORED: Final = "backup.restored"

EVENTS: Final[dict[str, str]] = {
    TAKEN: "A base backup was stored: its kind, size, place in the log and how many can read it.",
    FAILED: "A base backup could not be taken; `code` says why.",
    PRUNED: "Backups and log beyond what is kept were deleted from the store: how many objects and bytes.",
    RESTORED: "The database was brought back from a backup: from which one, to when, and what was ended with it.",
}
