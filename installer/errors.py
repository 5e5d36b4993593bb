"""What leashctl itself refuses, and the one map from errors to exit codes (after sysexits.h)."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from appliance.errors import LeashError

REFUSED: Final = 1
UNAVAILABLE: Final = 69
SOFTWARE: Final = 70
CANNOT_CREATE: Final = 73
TEMPORARY: Final = 75
PROTOCOL: Final = 76
CONFIGURATION: Final = 78
INTERRUPTED: Final = 130

# By the code of the error's own class, else of the nearest class above it that has one here; `LeashError` is the last.
EXIT_CODES: Final[Mapping[str, int]] = {
    "internal_error": REFUSED,
    "already_running": TEMPORARY,
    "port_in_use": UNAVAILABLE,
    "state_unusable": CANNOT_CREATE,
    "owner_url_missing": CONFIGURATION,
    "service_failed": UNAVAILABLE,
    "service_not_running": UNAVAILABLE,
    "service_reply_unexpected": PROTOCOL,
    "config_error": CONFIGURATION,
    "directory_unavailable": UNAVAILABLE,
    "directory_misconfigured": CONFIGURATION,
    "directory_incomplete": UNAVAILABLE,
    "sync_busy": TEMPORARY,
    "provider_unavailable": UNAVAILABLE,
    "database_error": UNAVAILABLE,
    "database_version_unsupported": CONFIGURATION,
    "schema_newer": CONFIGURATION,
    "schema_older": CONFIGURATION,
    "database_role_too_powerful": CONFIGURATION,
    "database_setup_refused": CONFIGURATION,
}
MEANINGS: Final[Mapping[int, str]] = {
    0: "Done.",
    REFUSED: "Refused, or the answer is no: the message says why.",
    2: "The command line is wrong.",
    UNAVAILABLE: "Something that is needed does not answer or did not start: database, directory, port, service.",
    SOFTWARE: "A fault of leashctl itself; the trace is on standard error.",
    CANNOT_CREATE: "The state directory cannot be made or written.",
    TEMPORARY: "Already running.",
    PROTOCOL: "The service answered something else than it should.",
    CONFIGURATION: "The configuration, the schema or the rights of the database must be changed first.",
    INTERRUPTED: "Ended by Ctrl-C before it was done; for `up` Ctrl-C is the usual end, with 0.",
}


class InstallerError(LeashError):
    """A command cannot do its work."""

    code = "installer_error"
    summary = "The command could not do its work"


class AlreadyRunningError(InstallerError):
    """Another `leashctl up` holds the state directory."""

    code = "already_running"
    summary = "This installation is running already"
    next_step = "Use it, or stop it with Ctrl-C there; a second one needs another PORT and another STATE."

    def __init__(self, url: str, pid: int) -> None:
        self.url, self.pid = url, pid
        super().__init__(f"Already running: {url}, process {pid}")


class PortInUseError(InstallerError):
    """Somebody else listens on our port."""

    code = "port_in_use"
    summary = "The port is in use"
    next_step = "Stop the other program, or choose another port: `make up PORT=9400` or [server] port."

    def __init__(self, host: str, port: int, why: str) -> None:
        super().__init__(f"{host} port {port} cannot be listened on: {why}")


class StateUnusableError(InstallerError):
    """The state directory cannot be made or written."""

    code = "state_unusable"
    summary = "The state directory cannot be used"
    next_step = "Give this user the directory, or name another: `make up STATE=...` or [state] directory."

    def __init__(self, directory: Path, problem: OSError) -> None:
        super().__init__(f"{directory} cannot be used: {problem.strerror or problem}")


class OwnerUrlMissingError(InstallerError):
    """A migration needs the role that owns the schema."""

    code = "owner_url_missing"
    summary = "The role that owns the schema is not known"
    next_step = "Set [database] owner_url (or LEASH_DATABASE__OWNER_URL_FILE) for this command."


class ServiceFailedError(InstallerError):
    """A process of ours ended instead of becoming ready."""

    code = "service_failed"
    summary = "A service did not start"
    next_step = "Read the log named above; `leashctl config check` and `leashctl database status` test what it needs."


class ServiceNotRunningError(InstallerError):
    """The command needs the running service."""

    code = "service_not_running"
    summary = "The service does not answer"
    next_step = "Start it with `make up` (or `leashctl up`), and try again."


class ServiceReplyError(InstallerError):
    """The service answered something that this command does not understand."""

    code = "service_reply_unexpected"
    summary = "The service gave an unexpected answer"
    next_step = "Compare `leashctl version` with the running service's, and read its log."


class CommandFailedError(InstallerError):
    """A command that this one ran failed; its own words and exit code are passed on."""

    code = "command_failed"
    summary = "A command that is part of this one failed"

    def __init__(self, detail: str, exit_code: int) -> None:
        self.exit_code = exit_code
        super().__init__(detail)


def exit_code_of(error: LeashError) -> int:
    """The exit code of an error."""
    if isinstance(error, CommandFailedError):
        return error.exit_code
    codes = [str(vars(each).get("code")) for each in type(error).__mro__]
    return next(EXIT_CODES[code] for code in codes if code in EXIT_CODES)


def report(error: LeashError, *, as_json: bool) -> int:
    """Tell the error on standard error, for people or as one JSON object; returns the exit code."""
    if as_json:
        facts = {"code": error.code, "summary": error.summary, "detail": error.detail, "next_step": error.next_step}
        sys.stderr.write(json.dumps(facts) + "\n")
    else:
        lines = [f"error: {error.detail}", *([error.next_step] if error.next_step else [])]
        sys.stderr.write("\n".join(lines) + "\n")
    return exit_code_of(error)
