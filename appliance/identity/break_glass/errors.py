"""What is refused about the owner behind glass, and what the reader can do about it."""

from enum import StrEnum

from appliance.identity.errors import IdentityError


class Cause(StrEnum):
    """Why the glass does not break; for the ledger alone."""

    NOBODY_SEALED = "nobody_sealed"
    SHEET_USED = "sheet_used"
    SHEET_WRONG = "sheet_wrong"
    PERSON_DISABLED = "person_disabled"


class UnsealRefusedError(IdentityError):
    """Wrong password or token, a used sheet, or nobody behind glass; the answer does not say which."""

    code = "unseal_refused"
    summary = "The sheet was not accepted"
    next_step = (
        "Check both lines of the newest sheet; `leashctl break-glass status` on the machine tells how it stands."
    )


class UnsealingUnknownError(IdentityError):
    """No unsealing waits under this address."""

    code = "unsealing_unknown"
    summary = "No such unsealing waits (any more)"
    next_step = "Begin again with the sheet; a second person has fifteen minutes."


class UnsealingUnconfirmedError(IdentityError):
    """A second person has not confirmed yet."""

    code = "unsealing_unconfirmed"
    summary = "A second person has not confirmed yet"
    next_step = "Let another owner confirm at /break-glass, or the operator by `leashctl`."


class ConfirmationRefusedError(IdentityError):
    """Not somebody else, or not somebody who may confirm."""

    code = "confirmation_refused"
    summary = "This confirmation is not yours to give"
    next_step = "Another owner confirms; the operator does so only for what began on a page."


class SealedElsewhereError(IdentityError):
    """Another owner is behind glass."""

    code = "sealed_elsewhere"
    summary = "Another owner is behind glass already"
    next_step = "Seal that one anew, or take them out with `leashctl break-glass remove`."


class SealRefusedError(IdentityError):
    """The person cannot be put behind glass."""

    code = "seal_refused"
    summary = "This person cannot be put behind glass"
    next_step = "Give the address of nobody, or of a local owner without an account of a directory or provider."


class NobodySealedError(IdentityError):
    """Nobody is behind glass."""

    code = "nobody_sealed"
    summary = "Nobody is behind glass"
    next_step = "Put somebody there with `leashctl break-glass seal --email ADDRESS`."
