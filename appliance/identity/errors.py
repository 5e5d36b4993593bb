"""What identity refuses, and what the reader can do about it."""

from uuid import UUID

from appliance.errors import LeashError


class IdentityError(LeashError):
    """The one base of this feature's errors."""

    code = "identity_error"
    summary = "The request about people or sign-in was refused"


class SignInRequiredError(IdentityError):
    """Nobody is signed in where somebody must be."""

    code = "sign_in_required"
    summary = "Sign-in is required"
    next_step = "Sign in, or send a live session token as a bearer token."


class SignInRefusedError(IdentityError):
    """Wrong address, password or code, or a disabled person; the answer does not say which."""

    code = "sign_in_refused"
    summary = "E-mail, password or code is wrong"
    next_step = "Check all three and wait for the authenticator's next code; each code works once."


class LocalSignInOffError(IdentityError):
    """The installation takes no passwords of its own."""

    code = "local_sign_in_off"
    summary = "Nobody signs in here with a password of this installation"
    next_step = "Use one of the other ways on the sign-in page."


class SignInThrottledError(IdentityError):
    """Too many failed attempts."""

    code = "sign_in_throttled"
    summary = "Too many sign-in attempts"
    next_step = "Wait as long as the answer says, then try again."

    def __init__(self, retry_after_seconds: int) -> None:
        self.retry_after_seconds = retry_after_seconds
        super().__init__(f"Too many sign-in attempts; try again in {retry_after_seconds} s")


class SignInBusyError(IdentityError):
    """More passwords wait for verification than the service takes on."""

    code = "sign_in_busy"
    summary = "The service is checking as many passwords as it can"
    next_step = "Try again in a few seconds."


class PermissionMissingError(IdentityError):
    """The person's roles do not carry the permission."""

    code = "permission_missing"
    summary = "Your roles do not allow this"
    next_step = "Ask an owner or administrator for a role that does."


class StepUpRequiredError(IdentityError):
    """The act is dangerous, and the last proof of the second factor is too long ago."""

    code = "step_up_required"
    summary = "Prove again who you are before this"
    next_step = (
        "Open /step-up in the browser that you are signed in with, then repeat what you did; scripts use a session "
        "made by `leashctl people session create`."
    )
    act: UUID | None = None  # where the form waits that asked for it


class StepUpFailedError(IdentityError):
    """The proof does not fit."""

    code = "step_up_failed"
    summary = "This did not prove who you are"
    next_step = "Try again with the authenticator's next code, or the right password; each code works once."


class KeptActUnknownError(IdentityError):
    """The form that waited for a proof is gone."""

    code = "kept_act_unknown"
    summary = "What you were about to do is not kept any more"
    next_step = "Go back to the page where you began, and do it again."


class RequestForgedError(IdentityError):
    """A request that changes something does not come from one of our pages."""

    code = "request_forged"
    summary = "The request did not come from a page of this service"
    next_step = "Open the page again and repeat what you did; scripts send a bearer token instead of cookies."


class RoleChangeRefusedError(IdentityError):
    """Nobody changes their own roles, and only owners change owners."""

    code = "role_change_refused"
    summary = "This change of a person is not yours to make"
    next_step = "Ask another owner; nobody changes their own roles, and only owners change owners."


class PersonUnknownError(IdentityError):
    """No such person."""

    code = "person_unknown"
    summary = "There is no such person"
    next_step = "List the people and check the identifier or e-mail address."


class PersonAmbiguousError(IdentityError):
    """Several people answer to what was given."""

    code = "person_ambiguous"
    summary = "Several people have this user name"
    next_step = "Name the person by e-mail address or identifier; `leashctl people list` shows both."


class SessionUnknownError(IdentityError):
    """No such session of that person."""

    code = "session_unknown"
    summary = "There is no such session"
    next_step = "It may have ended already; list the sessions again."


class OwnerExistsError(IdentityError):
    """The first owner has come in already."""

    code = "owner_exists"
    summary = "This installation has an owner already"
    next_step = "Let the owner invite people, or make one more owner with `leashctl people owner-link --another`."


class EmailTakenError(IdentityError):
    """Another person has this address."""

    code = "email_taken"
    summary = "Somebody with this e-mail address exists already"
    next_step = "Use another address, or reset that person's credential."


class LastOwnerError(IdentityError):
    """The installation must keep an owner who can come in."""

    code = "last_owner"
    summary = "This is the last owner"
    next_step = "Make somebody else an owner first."


class DisabledElsewhereError(IdentityError):
    """A source disabled the person; only it, or the operator on the machine, enables them again."""

    code = "disabled_elsewhere"
    summary = "A directory, provider or SCIM client has disabled this person"
    next_step = (
        "Enable the account there; if that source is gone for good, use `leashctl people enable` on the machine."
    )


class AccountTakenError(IdentityError):
    """The source's account belongs to somebody else."""

    code = "account_taken"
    summary = "This account belongs to another person"
    next_step = "Look up with `leashctl identity whois` whose it is."


class AccountUnknownError(IdentityError):
    """The person has no such account."""

    code = "account_unknown"
    summary = "This person has no such account"
    next_step = "Look at the person's accounts on their page or with `leashctl identity whois`."


class UnlinkRefusedError(IdentityError):
    """Without the account nobody would manage the person."""

    code = "unlink_refused"
    summary = "This account cannot be taken from its person"
    next_step = (
        "Give the person another way in first: a new password by a reset, or another account. Or disable the person."
    )


class AccountKeyRefusedError(IdentityError):
    """The source names somebody by what no account can be kept under."""

    code = "account_key_refused"
    summary = "The source identifies this person by something that cannot be kept"
    next_step = "Choose an attribute or claim of 1 to 255 printable characters that never changes."


class GroupUnknownError(IdentityError):
    """No such group, or several of that name."""

    code = "group_unknown"
    summary = "There is no such group"
    next_step = "List the groups with `leashctl groups list`; a name that several sources have needs its identifier."


class GrantRefusedError(IdentityError):
    """Not a role, approver group or project that a group can be granted."""

    code = "grant_refused"
    summary = "This cannot be granted to a group"
    next_step = (
        "Give a role or group:NAME (lower-case letters, digits, hyphens), and a project without control characters."
    )


class PersonDisabledError(IdentityError):
    """The person is disabled."""

    code = "person_disabled"
    summary = "This person is disabled"
    next_step = "Enable the person first."


class LinkInvalidError(IdentityError):
    """The one-time link is unknown, used, replaced or expired."""

    code = "link_invalid"
    summary = "This link does not work (any more)"
    next_step = "Ask for a new link; `leashctl people owner-link` makes one for the first owner."


class ClaimInvalidError(IdentityError):
    """The claim is unknown, expired, or has seen too many wrong codes."""

    code = "claim_invalid"
    summary = "The set-up of your account is over or was not begun"
    next_step = "Open the one-time link again and start over."


class CodeRefusedError(IdentityError):
    """The authenticator's code does not fit."""

    code = "code_refused"
    summary = "The code does not fit"
    next_step = "Type the six digits that the authenticator shows now, and check that the device's clock is right."


class EmailRefusedError(IdentityError):
    """Not an e-mail address."""

    code = "email_refused"
    summary = "This is not an e-mail address"
    next_step = "Give an address such as ida@example.org, of at most 254 characters."


class NameRefusedError(IdentityError):
    """Not a name that can be shown."""

    code = "name_refused"
    summary = "This name cannot be used"
    next_step = "Give 1 to 200 visible characters without control or direction marks."


class PasswordRefusedError(IdentityError):
    """Not a password that protects."""

    code = "password_refused"
    summary = "This password cannot be used"
    next_step = "Use 12 to 1024 visible characters, at least five different ones, that do not contain your address."


class LifetimeRefusedError(IdentityError):
    """Outside the permitted lifetime."""

    code = "lifetime_refused"
    summary = "This lifetime is not permitted"
    next_step = "Give a number of minutes within the limits."


class SealBrokenError(IdentityError):
    """A sealed secret does not open: wrong key, or the row was changed."""

    code = "seal_broken"
    summary = "A stored secret cannot be opened with this installation's key"
    next_step = "Restore the key file that belongs to this database, or reset the person's credential."
