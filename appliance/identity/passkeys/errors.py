"""What passkeys refuse, and what the reader can do about it."""

from enum import StrEnum

from appliance.identity.errors import IdentityError


class Cause(StrEnum):
    """Why an answer is refused; for the ledger alone."""

    CHALLENGE_UNKNOWN = "challenge_unknown"
    ANSWER_UNREADABLE = "answer_unreadable"
    ANSWER_WRONG = "answer_wrong"
    FRAMED = "framed"
    KEY_UNKNOWN = "key_unknown"
    OTHER_PERSON = "other_person"
    COUNTER_WENT_BACK = "counter_went_back"
    PASSWORD_WRONG = "password_wrong"  # noqa: S105 - a name
    PERSON_CLOSED = "person_closed"


class RefusedError(Exception):
    """An answer that does not hold; `detail` may repeat what the caller sent, and is personal."""

    def __init__(self, cause: Cause, detail: str = "") -> None:
        self.cause = cause
        self.detail = detail
        super().__init__(cause)


class PasskeyRefusedError(IdentityError):
    """The browser's answer does not hold, or its person may not come in; the caller does not learn why."""

    code = "passkey_refused"
    summary = "The passkey was not accepted"
    next_step = "Try again; if it stays like this, sign in with password and code and look at your passkeys."


class PasskeyUnknownError(IdentityError):
    """No such passkey of that person."""

    code = "passkey_unknown"
    summary = "There is no such passkey"
    next_step = "It may have been removed already; look at your account again."


class PasskeyTakenError(IdentityError):
    """The key is registered already."""

    code = "passkey_taken"
    summary = "This passkey is registered already"
    next_step = "Choose another device, or remove the passkey first."


class PasskeyCredentialMissingError(IdentityError):
    """The person has no password here that a passkey could belong to."""

    code = "passkey_credential_missing"
    summary = "Passkeys are for accounts that have a password here"
    next_step = "Register a passkey with the provider or directory that you sign in by."


class PasskeysUnavailableError(IdentityError):
    """Browsers take no passkeys for this installation's address."""

    code = "passkeys_unavailable"
    summary = "Passkeys do not work at this address"
    next_step = "Set server.public_url to a host name with https; a bare IP address has no passkeys."
