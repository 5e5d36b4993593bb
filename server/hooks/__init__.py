"""Hook calls of agents: read, decided, answered in the agent's own words."""
