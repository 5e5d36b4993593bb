"""Ledger events of identity."""

from typing import Final

OWNER_LINK_CREATED: Final = "owner_link.created"
PERSON_INVITED: Final = "person.invited"
PERSON_DISABLED: Final = "person.disabled"
PERSON_ENABLED: Final = "person.enabled"
CREDENTIAL_SET: Final = "credential.set"
CREDENTIAL_RESET: Final = "credential.reset"
CLAIM_REFUSED: Final = "claim.refused"
ROLE_GRANTED: Final = "role.granted"
ROLE_REVOKED: Final = "role.revoked"
ROLE_CHANGE_REFUSED: Final = "role_change.refused"
SIGN_IN_SUCCEEDED: Final = "sign_in.succeeded"
SIGN_IN_REFUSED: Final = "sign_in.refused"
SIGN_IN_THROTTLED: Final = "sign_in.throttled"
SESSION_CREATED: Final = "session.created"
SESSION_ENDED: Final = "session.ended"
SESSION_REVOKED: Final = "session.revoked"
SESSIONS_REVOKED: Final = "sessions.revoked"
PERMISSION_REFUSED: Final = "permission.refused"
REQUEST_REFUSED: Final = "request.refused"

EVENTS: Final[dict[str, str]] = {
    OWNER_LINK_CREATED: "A one-time link for an owner was made; older ones stopped working.",
    PERSON_INVITED: "A person was added with roles, and a one-time link was made for the first sign-in.",
    PERSON_DISABLED: "A person was disabled; every session of theirs ended.",
    PERSON_ENABLED: "A disabled person was enabled again.",
    CREDENTIAL_SET: "A person set password and authenticator by a one-time link and was signed in.",
    CREDENTIAL_RESET: "A person's credential and sessions were removed, and a one-time link for new ones was made.",
    CLAIM_REFUSED: "A wrong authenticator code while an account was being set up.",
    ROLE_GRANTED: "A person got a role.",
    ROLE_REVOKED: "A person lost a role.",
    ROLE_CHANGE_REFUSED: "A change of a person or of roles was refused.",
    SIGN_IN_SUCCEEDED: "A person signed in with password and code.",
    SIGN_IN_REFUSED: "A sign-in attempt failed; `cause` says why (the caller was not told).",
    SIGN_IN_THROTTLED: "Attempts are being turned away unchecked; recorded once per waiting time.",
    SESSION_CREATED: "A session for a script was made.",
    SESSION_ENDED: "A person signed out.",
    SESSION_REVOKED: "One session was ended by its person or by somebody who manages people.",
    SESSIONS_REVOKED: "All sessions of a person were ended.",
    PERMISSION_REFUSED: "A signed-in person asked for something that their roles do not allow.",
    REQUEST_REFUSED: "A request that changes something did not prove that it comes from our own pages.",
}
