"""Where codes may go, and whose they are: pure decisions."""

import base64
import hashlib
import hmac
import re
from typing import Final
from urllib.parse import urlencode, urlsplit

from appliance.identity.flows.errors import AppChallengeRefusedError, AppRedirectRefusedError

APP_REDIRECT: Final = "openleash://auth/callback"
REDIRECT_MAX: Final = 200
STATE_MAX: Final = 512
# The published desktop's own address, whichever provider there is.
_DESKTOP: Final = re.compile(r"http://localhost:9317/v1/auth/(google|microsoft|github)/callback")
# RFC 8252 section 7.3: the loopback interface by its address, with a port.
_LOOPBACK: Final = re.compile(r"http://(127\.0\.0\.1|\[::1\]):([1-9][0-9]{0,4})(/[A-Za-z0-9._~/-]*)?")
_PORT_MAX: Final = 65535
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_STATE: Final = re.compile(r"[ -~]*")


def checked_redirect(uri: str) -> str:
    """The address itself, if nobody but an app on the person's own device can hear there.

    Raises:
        AppRedirectRefusedError: it is any other.
    """
    if len(uri) > REDIRECT_MAX:
        raise AppRedirectRefusedError
    if uri == APP_REDIRECT or _DESKTOP.fullmatch(uri):
        return uri
    loopback = _LOOPBACK.fullmatch(uri)
    if loopback is None or int(loopback[2]) > _PORT_MAX:
        raise AppRedirectRefusedError
    return uri


def checked_challenge(challenge: str, method: str) -> str:
    """The PKCE challenge; empty if the app sends none.

    Raises:
        AppChallengeRefusedError: not S256: `plain` (RFC 7636's default, too) protects against nobody who matters.
    """
    if not challenge and not method:
        return ""
    if method != "S256" or not _CHALLENGE.fullmatch(challenge):
        raise AppChallengeRefusedError
    return challenge


def usable_state(state: str) -> str:
    """What comes back as it was sent; empty if it cannot."""
    return state if len(state) <= STATE_MAX and _STATE.fullmatch(state) else ""


def fits(challenge: str, verifier: str) -> bool:
    """Whether whoever brings the verifier made the challenge (RFC 7636 section 4.6); without one, anybody does."""
    if not challenge:
        return True
    if not _VERIFIER.fullmatch(verifier):
        return False
    made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=")
    return hmac.compare_digest(made, challenge.encode("ascii"))


def is_loopback(redirect_uri: str) -> bool:
    """Whether the code goes to a program on the machine of the browser itself."""
    return urlsplit(redirect_uri).scheme == "http"


def device_name(redirect_uri: str) -> str:
    """What the app is called in lists of sessions, until it gives itself a name."""
    return "OpenLeash on a computer" if is_loopback(redirect_uri) else "OpenLeash app"


def address(redirect_uri: str, **parameters: str) -> str:
    """Where the browser goes; parameters that are empty are left out."""
    return f"{redirect_uri}?{urlencode({name: value for name, value in parameters.items() if value})}"
