"""What can be wrong with a body that is to be scanned."""

from appliance.errors import LeashError


class SecretScanError(LeashError):
    """Root of the failures of the secret scan."""


class BodyTooDeepError(SecretScanError):
    """The body is nested more deeply than the scan follows."""

    code = "body_too_deep"
    summary = "The body is nested too deeply to be scanned for secrets"
    next_step = "Send the data flatter, or in several calls."
