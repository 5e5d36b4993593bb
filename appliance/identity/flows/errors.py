"""What an app's sign-in refuses, and what the reader can do about it."""

from enum import StrEnum

from appliance.identity.errors import IdentityError


class Cause(StrEnum):
    """Why a code gives no session; for the ledger alone."""

    EXPIRED = "expired"
    VERIFIER_WRONG = "verifier_wrong"
    PERSON_DISABLED = "person_disabled"
    SESSION_ENDED = "session_ended"


class AppRedirectRefusedError(IdentityError):
    """The app wants its code somewhere where nobody but an app must get it."""

    code = "app_redirect_refused"
    summary = "An app cannot be signed in at this redirectUri"
    next_step = "Send openleash://auth/callback, or an http:// address of this very machine with its port."


class AppChallengeRefusedError(IdentityError):
    """Not a PKCE challenge by S256."""

    code = "app_challenge_refused"
    summary = "This code challenge cannot be used"
    next_step = "Send the method S256 and 43 characters of base64url (RFC 7636), or no challenge at all."


class AppFlowInvalidError(IdentityError):
    """The app's sign-in is unknown, over or finished."""

    code = "app_flow_invalid"
    summary = "This sign-in of an app is over, or was finished already"
    next_step = "Start again in the app, and finish within ten minutes."


class AppCodeRefusedError(IdentityError):
    """The code is unknown, used, too old, or not this app's; the answer does not say which."""

    code = "app_code_refused"
    summary = "This code does not work (any more)"
    next_step = "Sign in again in the app; a code works once, within a minute."


class AppNotLetInError(IdentityError):
    """The session cannot let an app in."""

    code = "app_not_let_in"
    summary = "Only a person who is signed in with a browser can let an app in"
    next_step = "Sign in with your own account in the browser; scripts and the sealed owner let no app in."
