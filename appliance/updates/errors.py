"""Why a release is not offered."""

from appliance.errors import LeashError


class UpdatesError(LeashError):
    """The one base of this feature's errors."""

    code = "updates_error"
    summary = "The releases of the desktop cannot be offered"


class ManifestRefusedError(UpdatesError):
    """The manifest is missing, none of ours, or nobody whom we know has signed it."""

    code = "update_manifest_refused"
    summary = "The manifest of releases cannot be used"
    next_step = "Sign manifest.json anew with the key whose public half is in updates.keys."


class ReleaseUnknownError(UpdatesError):
    """No release has this file."""

    code = "update_file_unknown"
    summary = "There is no such release"
    next_step = "Ask for updates again; the answer names the file."


class RangeRefusedError(UpdatesError):
    """The file has no such part."""

    code = "update_range_refused"
    summary = "The file has no such part"
    next_step = "Ask for the whole file."


class DownloadsBusyError(UpdatesError):
    """As many files are being sent as may be at once."""

    code = "update_downloads_busy"
    summary = "Too many downloads are running"
    next_step = "Try again in a minute."
