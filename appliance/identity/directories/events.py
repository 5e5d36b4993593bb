"""Ledger events of directory sync; what becomes of each person is recorded as an event of identity."""

from typing import Final

SYNC_DONE: Final = "directory_sync.done"
SYNC_FAILED: Final = "directory_sync.failed"
SYNC_HELD: Final = "directory_sync.held"
SYNC_CONFIRMED: Final = "directory_sync.confirmed"
SYNC_REJECTED: Final = "directory_sync.rejected"
SYNC_UNDONE: Final = "directory_sync.undone"
SIGN_IN_TRIED: Final = "directory.sign_in_tried"

EVENTS: Final[dict[str, str]] = {
    SYNC_DONE: "A run of directory sync changed people or groups; runs that find nothing new are not recorded.",
    SYNC_FAILED: "A run failed and changed nobody; recorded once as long as the same failure lasts.",
    SYNC_HELD: "A run stopped before it changed anything, because it would disable too many people.",
    SYNC_CONFIRMED: "A person let a held run happen; nobody beyond those shown was disabled.",
    SYNC_REJECTED: "A person refused a held run, or another run took its place.",
    SYNC_UNDONE: "A person took a run back: whom it disabled may come in again, groups that it took are given back.",
    SIGN_IN_TRIED: "Somebody who manages people tried how a directory answers to a name and password; nobody came in.",
}
