"""Ledger events of identity."""

from typing import Final

OWNER_LINK_CREATED: Final = "owner_link.created"
PERSON_INVITED: Final = "person.invited"
PERSON_PROVISIONED: Final = "person.provisioned"
PERSON_SPARED: Final = "person.spared"
PERSON_DISABLED: Final = "person.disabled"
PERSON_ENABLED: Final = "person.enabled"
CREDENTIAL_SET: Final = "credential.set"
CREDENTIAL_RESET: Final = "credential.reset"
CLAIM_REFUSED: Final = "claim.refused"
ACCOUNT_LINKED: Final = "account.linked"
ACCOUNT_UNLINKED: Final = "account.unlinked"
ACCOUNT_CHANGED: Final = "account.changed"
GROUPS_CHANGED: Final = "groups.changed"
GROUP_MEMBER_CHANGED: Final = "group_member.changed"
GROUP_GRANT_GRANTED: Final = "group_grant.granted"
GROUP_GRANT_REVOKED: Final = "group_grant.revoked"
ROLE_GRANTED: Final = "role.granted"
ROLE_REVOKED: Final = "role.revoked"
ROLE_CHANGE_REFUSED: Final = "role_change.refused"
SIGN_IN_SUCCEEDED: Final = "sign_in.succeeded"
SIGN_IN_REFUSED: Final = "sign_in.refused"
SIGN_IN_THROTTLED: Final = "sign_in.throttled"
SESSION_CREATED: Final = "session.created"
SESSION_ENDED: Final = "session.ended"
SESSION_STEPPED_UP: Final = "session.stepped_up"
SESSION_STEP_UP_REFUSED: Final = "session.step_up_refused"
SESSION_REVOKED: Final = "session.revoked"
SESSIONS_REVOKED: Final = "sessions.revoked"
PERMISSION_REFUSED: Final = "permission.refused"
REQUEST_REFUSED: Final = "request.refused"

EVENTS: Final[dict[str, str]] = {
    OWNER_LINK_CREATED: "A one-time link for an owner was made; older ones stopped working.",
    PERSON_INVITED: "A person was added with roles, and a one-time link was made for the first sign-in.",
    PERSON_PROVISIONED: "A person was added with an account of a directory, a provider or a SCIM client.",
    PERSON_SPARED: "A source would have disabled the last owner who can come in, or taken that role; nothing was done.",
    PERSON_DISABLED: "A person was disabled, by somebody or by a source; every session of theirs ended.",
    PERSON_ENABLED: "A disabled person was enabled again.",
    ACCOUNT_LINKED: "An account of a source was linked to a person who was known already.",
    ACCOUNT_UNLINKED: "An account of a source was taken from its person; every session of theirs ended.",
    ACCOUNT_CHANGED: "A source told another name, user name or address of a person.",
    GROUPS_CHANGED: "A source told other groups or members: how many were added and how many went.",
    GROUP_MEMBER_CHANGED: "A person came into groups to which something is granted, or left them.",
    GROUP_GRANT_GRANTED: "A group got a role or became an approver group, for all projects or some.",
    GROUP_GRANT_REVOKED: "A group lost a role, or is an approver group no more.",
    CREDENTIAL_SET: "A person set password and authenticator by a one-time link and was signed in.",
    CREDENTIAL_RESET: "A person's credential and sessions were removed, and a one-time link for new ones was made.",
    CLAIM_REFUSED: "A wrong authenticator code while an account was being set up.",
    ROLE_GRANTED: "A person got a role.",
    ROLE_REVOKED: "A person lost a role.",
    ROLE_CHANGE_REFUSED: "A change of a person or of roles was refused.",
    SIGN_IN_SUCCEEDED: "A person signed in, or an app of theirs; `factor` says by what.",
    SIGN_IN_REFUSED: "A sign-in attempt failed; `cause` says why (the caller was not told).",
    SIGN_IN_THROTTLED: "Attempts are being turned away unchecked; recorded once per waiting time.",
    SESSION_CREATED: "A session for a script was made.",
    SESSION_ENDED: "A person signed out.",
    SESSION_STEPPED_UP: "A person proved again, before a dangerous act, who they are; the session got a new token.",
    SESSION_STEP_UP_REFUSED: "A signed-in person did not prove it; `cause` says why.",
    SESSION_REVOKED: "One session was ended by its person or by somebody who manages people.",
    SESSIONS_REVOKED: "All sessions of a person were ended, or all but the one in `kept`.",
    PERMISSION_REFUSED: "A signed-in person asked for something that their roles do not allow.",
    REQUEST_REFUSED: "A request that changes something did not prove that it comes from our own pages.",
}
