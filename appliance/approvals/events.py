"""What approvals write into the ledger."""

from typing import Final

OPENED: Final = "approval.opened"
REATTACHED: Final = "approval.reattached"
ANSWERED: Final = "approval.answered"
REFUSED: Final = "approval.refused"
ALLOWED: Final = "approval.allowed"
DENIED: Final = "approval.denied"
EXPIRED: Final = "approval.expired"
RELEASED: Final = "approval.released"
RELEASE_REFUSED: Final = "approval.release_refused"
HOLD_ENDED: Final = "approval.hold_ended"

EVENTS: Final[dict[str, str]] = {
    OPENED: "An ask was opened for a held call; `binding` is what an answer will be bound to.",
    REATTACHED: "The same call came again and waits for the ask that it has open.",
    ANSWERED: "One person's allow or deny was counted; the person's words are content.",
    REFUSED: "An answer was not accepted; `code` says why.",
    ALLOWED: "The ask was allowed: its quorum is complete.",
    DENIED: "The ask was denied by a person.",
    EXPIRED: "The ask was denied because nobody answered, or nobody fetched the answer, in time.",
    RELEASED: "The one call that was approved was let go.",
    RELEASE_REFUSED: "A call was not let go: another action than the approved one, too late, or a second time.",
    HOLD_ENDED: "The call was answered with a deny before its ask was answered; the ask lives on.",
}
