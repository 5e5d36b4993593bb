"""Ledger events of the owner behind glass; what that owner does then has `marker: break_glass` in its facts."""

from typing import Final

BREAK_GLASS_SEALED: Final = "break_glass.sealed"
BREAK_GLASS_REFUSED: Final = "break_glass.refused"
BREAK_GLASS_BEGUN: Final = "break_glass.begun"
BREAK_GLASS_CONFIRMED: Final = "break_glass.confirmed"
BREAK_GLASS_STOPPED: Final = "break_glass.stopped"
BREAK_GLASS_OPENED: Final = "break_glass.opened"
BREAK_GLASS_CLOSED: Final = "break_glass.closed"
BREAK_GLASS_REMOVED: Final = "break_glass.removed"

EVENTS: Final[dict[str, str]] = {
    BREAK_GLASS_SEALED: "An owner was put behind glass, or got a new sheet; older sheets stopped working.",
    BREAK_GLASS_REFUSED: "Somebody tried to break the glass and failed; `cause` says why (the caller was not told).",
    BREAK_GLASS_BEGUN: "Somebody had the sheet; `people` says how many must take part.",
    BREAK_GLASS_CONFIRMED: "A second person let the unsealing go on.",
    BREAK_GLASS_STOPPED: "A second person stopped the unsealing.",
    BREAK_GLASS_OPENED: "The owner behind glass came in, until `until`; the sheet is used up.",
    BREAK_GLASS_CLOSED: "The session of the owner behind glass is over; a new sheet is needed for the next time.",
    BREAK_GLASS_REMOVED: "The owner was taken from behind the glass, and is a person without a way in.",
}
