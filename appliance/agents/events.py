"""Ledger events of agents and their machines."""

from typing import Final

DEPLOYMENT_TOKEN_CREATED: Final = "deployment_token.created"  # noqa: S105 - the name of an event
DEPLOYMENT_TOKEN_REVOKED: Final = "deployment_token.revoked"  # noqa: S105 - the name of an event
MACHINE_ENROLLED: Final = "machine.enrolled"
MACHINE_REVOKED: Final = "machine.revoked"
ENROLMENT_REFUSED: Final = "enrolment.refused"

EVENTS: Final[dict[str, str]] = {
    DEPLOYMENT_TOKEN_CREATED: "A token was made with which machines can enrol.",
    DEPLOYMENT_TOKEN_REVOKED: "A deployment token was ended; machines that it enrolled stay.",
    MACHINE_ENROLLED: "A machine got a token of its own, for a deployment token or by its signed-in person.",
    MACHINE_REVOKED: "A machine's token was ended: its agents are denied from then on.",
    ENROLMENT_REFUSED: "A machine of a deployment token, or of somebody signed in, was not enrolled; `code` says why.",
}
