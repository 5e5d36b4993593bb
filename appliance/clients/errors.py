"""Why a client is refused, and what to do instead."""

from appliance.errors import LeashError


class ClientError(LeashError):
    """The one base of this feature's errors."""

    code = "client_error"
    summary = "The request of an app was refused"


class MachineMayNotAnswerError(ClientError):
    """An agent's token was sent with an answer to an ask."""

    code = "machine_may_not_answer"
    summary = "An agent's own token answers no ask"
    next_step = "Answer it on your phone, or on the page Approvals, where you are signed in yourself."


class MonitoringManagedError(ClientError):
    """Somebody would turn the watching of an agent or a conversation off."""

    code = "monitoring_managed"
    summary = "Your organisation manages which agents are watched, so it cannot be paused or turned off here"
    next_step = "Ask your administrator, who can end a machine's access or change the policy."


class ProtectionManagedError(ClientError):
    """Somebody would install, remove or configure a protection from an app."""

    code = "protection_managed"
    summary = "Protections are set by your organisation's policies, not in the app"
    next_step = "Whoever may publish policies changes them on the page Policies."


class ProtectionUnknownError(ClientError):
    """No protection has this identifier."""

    code = "protection_unknown"
    summary = "There is no such protection"
    next_step = "Load the list of protections again."


class ModelKeyNotKeptError(ClientError):
    """An app would hand over the key of a model's provider."""

    code = "model_key_not_kept"
    summary = "This service calls no model and keeps no model keys; the key was not stored"
    next_step = "Nothing needs to be done: decisions are made by policy here."


class MachineTokenNeededError(ClientError):
    """What only a machine can tell was sent with a person's session."""

    code = "machine_token_needed"
    summary = "An agent's event must come with the token of its machine"
    next_step = "Enrol this computer, and send the token that it got."
