"""What sign-in through a provider refuses, and what the reader can do about it."""

from enum import StrEnum

from appliance.identity.errors import IdentityError, SignInRefusedError


class Fault(StrEnum):
    """Why a provider could not be asked, or its answer not be used; for logs and the test page."""

    ADDRESS_REFUSED = "address_refused"
    UNREACHABLE = "unreachable"
    TLS = "tls"
    SLOW = "slow"
    TOO_LARGE = "too_large"
    REDIRECTED = "redirected"
    STATUS = "status"
    MALFORMED = "malformed"
    ISSUER_DIFFERS = "issuer_differs"
    UNSUPPORTED = "unsupported"


class Cause(StrEnum):
    """Why a token or a sign-in is refused; for the ledger alone."""

    TOKEN_TOO_LARGE = "token_too_large"  # noqa: S105 - a name, like the ones below
    TOKEN_MALFORMED = "token_malformed"  # noqa: S105
    HEADER_REFUSED = "header_refused"
    ALGORITHM_REFUSED = "algorithm_refused"
    KEY_ID_REFUSED = "key_id_refused"
    KEY_UNKNOWN = "key_unknown"
    SIGNATURE_WRONG = "signature_wrong"
    ISSUER_WRONG = "issuer_wrong"
    AUDIENCE_WRONG = "audience_wrong"
    PARTY_WRONG = "party_wrong"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    ISSUED_TOO_LONG_AGO = "issued_too_long_ago"
    NONCE_WRONG = "nonce_wrong"
    SUBJECT_WRONG = "subject_wrong"
    ACCESS_TOKEN_DIFFERS = "access_token_differs"  # noqa: S105
    CLAIM_MISSING = "claim_missing"
    CLAIM_MISTYPED = "claim_mistyped"
    AUTHENTICATED_TOO_LONG_AGO = "authenticated_too_long_ago"
    CONTEXT_TOO_WEAK = "context_too_weak"
    EVENT_WRONG = "event_wrong"
    USED_BEFORE = "used_before"
    CODE_REFUSED = "code_refused"
    PROVIDER_REFUSED = "provider_refused"
    PROVIDER_FAILED = "provider_failed"
    FLOW_UNKNOWN = "flow_unknown"
    OTHER_BROWSER = "other_browser"
    ACCOUNT_UNKNOWN = "account_unknown"
    ACCOUNT_DISABLED = "account_disabled"
    PERSON_DISABLED = "person_disabled"
    EMAIL_UNVERIFIED = "email_unverified"
    DOMAIN_REFUSED = "domain_refused"
    EMAIL_TAKEN = "email_taken"
    PROFILE_REFUSED = "profile_refused"
    OTHER_PERSON = "other_person"
    SESSION_OVER = "session_over"


class RefusedError(Exception):
    """Carries the cause from where it is found to where it is recorded; never leaves the feature."""

    def __init__(self, cause: Cause, detail: str = "") -> None:
        """`detail` names a claim or a rule, and holds nothing personal."""
        self.cause = cause
        self.detail = detail
        super().__init__(f"{cause}: {detail}" if detail else str(cause))


class ProviderUnknownError(IdentityError):
    """No such provider is configured."""

    code = "provider_unknown"
    summary = "There is no such sign-in provider"
    next_step = "Start from the sign-in page, which lists the providers of this installation."


class ProviderUnavailableError(IdentityError):
    """The provider does not answer, or not with what it should."""

    code = "provider_unavailable"
    summary = "Your organisation's sign-in provider cannot be used right now"
    next_step = "Try again in a minute; if it stays like this, ask your administrator to test the provider."

    def __init__(self, fault: Fault, detail: str = "") -> None:
        """`detail` is for whoever runs the installation, and is not told to others."""
        self.fault = fault
        super().__init__(f"{fault}: {detail}" if detail else "")


class SignInFlowInvalidError(IdentityError):
    """The way back from the provider does not belong to a sign-in that this browser has begun."""

    code = "sign_in_flow_invalid"
    summary = "This sign-in was not begun in this browser, is over, or was finished already"
    next_step = "Begin again from the sign-in page, and finish within ten minutes in the same browser."


class ProviderSignInRefusedError(SignInRefusedError):
    """The provider's answer, or the person it names, was refused; the answer does not say why."""

    code = "provider_sign_in_refused"
    summary = "You could not be signed in with that account"
    next_step = "Begin again; if it fails once more, ask your administrator, whose ledger holds the reason."


class ProviderSignInCancelledError(SignInRefusedError):
    """The provider sent the person back without an account."""

    code = "provider_sign_in_cancelled"
    summary = "The provider did not sign you in"
    next_step = "Begin again from the sign-in page if that was not what you wanted."


class StepUpRefusedError(IdentityError):
    """The provider did not confirm the person who is signed in here, or not strictly enough."""

    code = "step_up_refused"
    summary = "Your identity could not be confirmed again"
    next_step = "Repeat it and sign in at the provider with the same account."


class LogoutTokenRefusedError(IdentityError):
    """A provider's message that a session has ended cannot be believed."""

    code = "logout_token_refused"
    summary = "The logout token was refused"
    next_step = "Compare issuer, client and signing algorithm of the provider with its settings here."
