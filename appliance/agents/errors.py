"""What agents and their machines are refused, and what to do about it."""

from appliance.errors import LeashError


class AgentsError(LeashError):
    """The one base of this feature's errors."""

    code = "agents_error"
    summary = "The request of an agent or about agents was refused"


class BodyRefusedError(AgentsError):
    """A hook body that is not strict JSON, or whose fields are not what the agent's protocol says."""

    code = "hook_body_refused"
    summary = "The hook body cannot be understood"
    next_step = "Send the agent's own hook JSON, unchanged: one object, in UTF-8, without repeated keys."


class BodyTooLargeError(BodyRefusedError):
    """A hook body beyond the limits in size, depth or number of members."""

    code = "hook_body_too_large"
    summary = "The hook body is larger than is permitted"
    next_step = "Split the call into smaller ones; the limits are in the section [hooks] of the configuration."


class AgentUnknownError(AgentsError):
    """No agent of this name has a dialect here."""

    code = "agent_unknown"
    summary = "No such agent is known"
    next_step = "Use one of the names in docs/reference/agents.md, such as `claude` or `codex`."


class EventUnknownError(AgentsError):
    """The agent has no hook event of this name."""

    code = "agent_event_unknown"
    summary = "The agent has no such hook event"
    next_step = "Use one of the events in docs/reference/agents.md, such as `PreToolUse`."


class DeploymentTermsRefusedError(AgentsError):
    """A deployment token cannot be made like this."""

    code = "deployment_terms_refused"
    summary = "A deployment token cannot have these terms"
    next_step = "Correct the field that is named, and try again."


class DeploymentTokenUnknownError(AgentsError):
    """No deployment token with this identifier."""

    code = "deployment_token_unknown"
    summary = "There is no such deployment token"
    next_step = "List the deployment tokens and check the identifier."


class MachineUnknownError(AgentsError):
    """No machine with this identifier."""

    code = "machine_unknown"
    summary = "There is no such machine"
    next_step = "List the machines and check the identifier."


class EnrolmentRefusedError(AgentsError):
    """What the machine says of itself cannot be kept."""

    code = "enrolment_refused"
    summary = "The machine cannot be enrolled like this"
    next_step = "Correct the field that is named, and enrol again."


class EnrolmentByScriptError(AgentsError):
    """A script's session, which nobody stands behind, asks for a machine's token, which never ends."""

    code = "enrolment_by_script"
    summary = "A script's session enrols no machine"
    next_step = "Enrol with a deployment token, or sign in on the machine itself."


class EnrolmentUnprovenError(AgentsError):
    """The session's person has neither signed in nor proved themselves a moment ago."""

    code = "enrolment_unproven"
    summary = "The sign-in is too long ago to enrol a machine"
    next_step = "Sign in again, and set the machine up right after that."


class MachinesTooManyError(AgentsError):
    """The person has as many machines as anybody may have."""

    code = "machines_too_many"
    summary = "You have as many machines as a person may have"
    next_step = "Ask your administrator to revoke those that you do not use any more, and enrol again."


class DeploymentTokenRefusedError(AgentsError):
    """The enrolling machine's deployment token is none of ours."""

    code = "deployment_token_refused"
    summary = "The deployment token is not valid"
    next_step = "Ask your administrator for a deployment token, and copy it whole."


class DeploymentTokenExpiredError(DeploymentTokenRefusedError):
    """The deployment token's time is over."""

    code = "deployment_token_expired"
    summary = "The deployment token has expired"
    next_step = "Ask your administrator for a new deployment token."


class DeploymentTokenRevokedError(DeploymentTokenRefusedError):
    """An administrator ended the deployment token."""

    code = "deployment_token_revoked"
    summary = "The deployment token was revoked"
    next_step = "Ask your administrator for a new deployment token."


class DeploymentTokenUsedUpError(DeploymentTokenRefusedError):
    """The deployment token has enrolled as many machines as it may."""

    code = "deployment_token_used_up"
    summary = "The deployment token has enrolled as many machines as it may"
    next_step = "Ask your administrator for a new deployment token."


class EmailDomainRefusedError(AgentsError):
    """The deployment token is for e-mail addresses of other domains."""

    code = "email_domain_refused"
    summary = "The deployment token does not enrol machines of this e-mail domain"
    next_step = "Enrol with an address of a domain that the token is for, or ask for another token."


class EmailElsewhereError(AgentsError):
    """The e-mail address belongs to an account that may not have machines here."""

    code = "email_elsewhere"
    summary = "This e-mail address cannot have machines here"
    next_step = "Ask your administrator whether the account is disabled, or enrol with another address."
