"""What a directory refuses or fails at."""

from uuid import UUID

from appliance.identity.directories.records import RefusalCause
from appliance.identity.errors import IdentityError, SignInRefusedError


class DirectoryError(IdentityError):
    """The one base of this feature's errors."""

    code = "directory_error"
    summary = "The directory could not be used"
    next_step = "Run `leashctl identity test`; it says what each part of the connection answered."


class DirectoryRefusedError(DirectoryError):
    """The directory did not let this person in; the cause is for the ledger, never for whoever tries."""

    code = "directory_refused"
    summary = "The directory refused this name and password"
    next_step = "Check name and password; if both are right, ask whoever runs the directory about the account."

    def __init__(self, cause: RefusalCause, said: str = "", *, key: str = "") -> None:
        """`said` is the directory's own answer; `key` tells whom it concerns, if the entry was found."""
        self.cause = cause
        self.said = said
        self.key = key
        super().__init__()


class DirectoryUnavailableError(DirectoryError):
    """No host answered in time, or every conversation that is allowed at once is taken."""

    code = "directory_unavailable"
    summary = "The directory does not answer"
    next_step = "Try again in a minute; an administrator sees what failed with `leashctl identity test`."


class DirectoryMisconfiguredError(DirectoryUnavailableError):
    """It answers, but not to what we were told: its certificate, our account, or a setting is wrong."""

    code = "directory_misconfigured"
    summary = "The directory cannot be used as it is configured"
    next_step = "Run `leashctl identity test`, correct the section that fails, and restart the service."


class DirectoryIncompleteError(DirectoryError):
    """A reading brought less than everything (limit, referral, time, contradiction); nothing of it is used."""

    code = "directory_incomplete"
    summary = "The directory gave only a part of what was asked"
    next_step = "Let the service account read everything below the bases, in pages; nobody was changed."


class DirectoryUnknownError(DirectoryError):
    """The configuration names no such directory."""

    code = "directory_unknown"
    summary = "There is no such directory"
    next_step = "Use a name of the configuration's [directories.NAME] sections."


class RunUnknownError(DirectoryError):
    """No such run of directory sync."""

    code = "sync_run_unknown"
    summary = "There is no such run of directory sync"
    next_step = "Open the history again; runs that changed nothing are forgotten after some days."


class RunClosedError(DirectoryError):
    """The run is not in the state in which this can be done with it."""

    code = "sync_run_closed"
    summary = "This cannot be done with this run (any more)"
    next_step = "Open the history again and look at its state; somebody may have been faster."


class RunOutgrownError(DirectoryError):
    """Meanwhile more would be taken from people than somebody has looked at."""

    code = "sync_run_outgrown"
    summary = "The directory would now take more from people than was shown"
    next_step = "Look at the new run that is held in its place, and confirm that one."

    def __init__(self, run_id: UUID) -> None:
        """`run_id` is the new run's."""
        self.run_id = run_id
        super().__init__(f"{self.summary}; run {run_id} shows it")


class SyncBusyError(DirectoryError):
    """Another run of this directory is under way."""

    code = "sync_busy"
    summary = "A run of this directory is under way"
    next_step = "Try again in a minute."


class SyncOffError(DirectoryError):
    """There is no account to read everybody with."""

    code = "sync_off"
    summary = "This directory is not synchronised"
    next_step = 'Set bind = "service" with bind_dn and bind_password, and sync_seconds above 0.'


class DirectorySignInRefusedError(SignInRefusedError):
    """The directory, or what is known of the person here, lets nobody in; the answer does not say which or why."""

    code = "directory_sign_in_refused"
    summary = "You could not be signed in with this name and password"
    next_step = (
        "Check both. After a few wrong passwords nothing is tried for half an hour, so that nobody locks your account;"
        " if the password is new or expired, change it where you sign in to your computer."
    )
