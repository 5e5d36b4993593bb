"""What coverage refuses."""

from appliance.agents.errors import AgentsError


class RuntimeUnknownError(AgentsError):
    """No agent on a machine has this identifier."""

    code = "agent_runtime_unknown"
    summary = "No agent on a machine has this identifier"
    next_step = "Open the coverage page again: the agent may have moved to a machine that has enrolled since."
