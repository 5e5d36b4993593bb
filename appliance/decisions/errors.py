"""Why a decision could not be made or kept; each of them is a deny for the agent."""

from appliance.errors import LeashError


class DecisionError(LeashError):
    """Any failure on the decision road."""

    code = "decision_error"
    summary = "The decision could not be made"
    next_step = "Nothing was run. Repeat the call; if it fails again, tell your administrator."


class NotRecordedError(DecisionError):
    """The decision could not be written durably in time."""

    code = "decision_not_recorded"
    summary = "The decision could not be recorded, so the action is denied"
    next_step = "Repeat the call in a moment; if it fails again, tell your administrator that the database fails."


class TooManyPendingError(DecisionError):
    """The machine has too many open asks."""

    code = "too_many_pending"
    summary = "Too many asks of this machine wait for an answer"
    next_step = "Wait until somebody has answered some of them."
