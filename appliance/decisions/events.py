"""What decisions write into the ledger."""

ALLOWED = "decision.allowed"
DENIED = "decision.denied"
ASKED = "decision.asked"
UNRECORDED = "decision.unrecorded_denies"
REFUSED = "hook.refused"
