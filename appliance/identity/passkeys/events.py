"""Ledger events of passkeys; a sign-in itself is told like every other one."""

from typing import Final

PASSKEY_ADDED: Final = "passkey.added"
PASSKEY_REMOVED: Final = "passkey.removed"
PASSKEY_REFUSED: Final = "passkey.refused"

EVENTS: Final[dict[str, str]] = {
    PASSKEY_ADDED: "A person registered a passkey.",
    PASSKEY_REMOVED: "A passkey was removed by its person, or by somebody who manages people.",
    PASSKEY_REFUSED: "A browser's answer was refused; `cause` says why. `counter_went_back` can mean a copied key.",
}
