"""What the settings of agents cannot do."""

from appliance.agents.errors import AgentsError


class ConfigurationRefusedError(AgentsError):
    """The agent cannot be configured like this."""

    code = "agent_configuration_refused"
    summary = "The agent cannot be connected like this"
    next_step = "Choose another scope or transport; docs/guides/connecting-agents.md says what each agent has."
