"""Why a hook call was not even looked at; each of them is a deny in the agent's own words."""

from appliance.decisions.errors import DecisionError
from appliance.errors import LeashError


class HookRefusedError(LeashError):
    """Any refusal of a call before it was decided."""

    code = "hook_refused"
    summary = "The call was refused"


class TokenRefusedError(HookRefusedError):
    """No live machine has this token, or there is none."""

    code = "machine_token_refused"
    summary = "This machine's token is not valid, so nothing is allowed"
    next_step = "Enrol the machine again with a deployment token from your administrator."


class VersionRefusedError(HookRefusedError):
    """A version of the hook protocol that this release does not speak."""

    code = "hook_version_refused"
    summary = "The hook speaks a version that this service does not know"
    next_step = "Tell your administrator to update the service."


class MachineRateError(HookRefusedError):
    """More calls than a machine may send."""

    code = "hook_rate_limited"
    summary = "This machine sends too many calls"
    next_step = "Repeat the call in a few seconds."


class BodySlowError(HookRefusedError):
    """The body did not arrive in time."""

    code = "hook_body_slow"
    summary = "The call did not arrive in time"
    next_step = "Repeat the call."


class CallerGoneError(HookRefusedError):
    """The caller hung up before the call was whole."""

    code = "hook_caller_gone"
    summary = "The caller hung up"


class DecisionTimeoutError(DecisionError):
    """The decision took too long."""

    code = "decision_timeout"
    summary = "The decision took too long, so the action is denied"
    next_step = "Repeat the call; if it fails again, tell your administrator that the service is overloaded."
