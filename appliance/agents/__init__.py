"""Agents: machines enrol, their agents ask over hooks, and each agent is answered in its own words."""
