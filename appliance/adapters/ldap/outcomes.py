"""What the answer to a bind means."""

import re
from typing import Final

from appliance.adapters.ldap import ber
from appliance.adapters.ldap.failures import Failure, HostFailedError
from appliance.adapters.ldap.session import Bound
from appliance.identity.directories.errors import DirectoryMisconfiguredError
from appliance.identity.directories.records import RefusalCause

INVALID_CREDENTIALS: Final = 49
_DATA: Final = re.compile(r"\bdata ([0-9a-fA-F]{1,8})\b")
# Active Directory tells more than "invalid credentials" in its diagnostic message (the low words of Win32 error codes).
_ACTIVE_DIRECTORY: Final = {
    0x525: RefusalCause.UNKNOWN,
    0x52E: RefusalCause.WRONG,
    0x530: RefusalCause.DISABLED,  # not at this hour
    0x531: RefusalCause.DISABLED,  # not from this machine
    0x532: RefusalCause.EXPIRED,
    0x533: RefusalCause.DISABLED,
    0x701: RefusalCause.EXPIRED,
    0x773: RefusalCause.MUST_CHANGE,
    0x775: RefusalCause.LOCKED,
}
# draft-behera-ldap-password-policy-10, 6.2
_POLICY: Final = {0: RefusalCause.EXPIRED, 1: RefusalCause.LOCKED, 2: RefusalCause.MUST_CHANGE}
_CODES: Final = {
    19: RefusalCause.LOCKED,  # constraintViolation: 389 Directory Server after too many attempts
    32: RefusalCause.WRONG,  # noSuchObject
    34: RefusalCause.WRONG,  # invalidDNSyntax
    48: RefusalCause.WRONG,  # inappropriateAuthentication: an entry without a password
    49: RefusalCause.WRONG,
    50: RefusalCause.DISABLED,  # insufficientAccessRights
    53: RefusalCause.DISABLED,  # unwillingToPerform: 389 Directory Server, "account inactivated"
}
_UNENCRYPTED: Final = frozenset({8, 13})  # strongerAuthRequired, confidentialityRequired
_REFERRAL: Final = 10


def cause(bound: Bound) -> RefusalCause | None:
    """Why somebody may not come in; None if they may.

    Raises:
        HostFailedError: it is no answer about the person, but about the host.
        DirectoryMisconfiguredError: nobody can come in like this.
    """
    policy = _policy(bound.policy)
    if bound.code == 0:
        return policy
    if bound.code == _REFERRAL:
        raise DirectoryMisconfiguredError("The directory refers us elsewhere for a sign-in")
    if bound.code in _UNENCRYPTED:
        raise DirectoryMisconfiguredError(f"The directory wants an encrypted connection: {bound.said}")
    if bound.code not in _CODES:
        raise HostFailedError(Failure.OVERLOADED, f"{bound.said} (code {bound.code})")
    return policy or _told(bound) or _CODES[bound.code]


def _told(bound: Bound) -> RefusalCause | None:
    found = _DATA.search(bound.said)
    return _ACTIVE_DIRECTORY.get(int(found[1], 16)) if found and bound.code == INVALID_CREDENTIALS else None


def _policy(control: bytes | None) -> RefusalCause | None:
    """The error of a password policy control; warnings (days left, grace) let people in."""
    if not control:
        return None
    try:
        parts = [part for tag, body in ber.children(control) for part in ber.children(body)]
    except ber.MalformedError:
        return None
    error = next((int.from_bytes(value) for tag, value in parts if tag == 0x81), None)  # noqa: PLR2004 - [1] error
    return None if error is None else _POLICY.get(error)
