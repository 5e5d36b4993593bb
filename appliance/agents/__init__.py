"""Machines and their agents: enrolment, tokens, and one dialect per agent's hook protocol."""
