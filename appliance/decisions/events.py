"""What decisions write into the ledger."""

from typing import Final

ALLOWED: Final = "decision.allowed"
DENIED: Final = "decision.denied"
ASKED: Final = "decision.asked"
UNRECORDED: Final = "decision.unrecorded_denies"
REFUSED: Final = "hook.refused"

EVENTS: Final[dict[str, str]] = {
    ALLOWED: "Policy allowed a call; the masked action, its facts and the reason are content.",
    DENIED: "Policy denied a call, or it could not be understood.",
    ASKED: "Policy asks people about a call; what they see is the content.",
    UNRECORDED: "After an outage: how many denies could not be recorded one by one, and since when.",
    REFUSED: "Calls were refused before anybody knew whose they were, counted by cause: `token`, `version` or `rate`.",
}
