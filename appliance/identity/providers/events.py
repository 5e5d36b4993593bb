"""Ledger events of sign-in through a provider; a sign-in itself is told like every other one."""

from typing import Final

PROVIDER_LOGOUT_RECEIVED: Final = "provider_logout.received"
PROVIDER_LOGOUT_REFUSED: Final = "provider_logout.refused"
STEP_UP_REFUSED: Final = "provider_step_up.refused"

EVENTS: Final[dict[str, str]] = {
    PROVIDER_LOGOUT_RECEIVED: "A provider said that a person or a session has signed out; `sessions` ended here.",
    PROVIDER_LOGOUT_REFUSED: "A logout token was refused; `cause` says why. Told at most once a minute per provider.",
    STEP_UP_REFUSED: "A provider did not confirm the person of a session again; `cause` says why.",
}
