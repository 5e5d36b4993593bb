"""Our own hook program for machines: it turns every failure into the agent's own deny."""
