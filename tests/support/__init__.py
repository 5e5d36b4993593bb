"""Real components that tests start, and one fake per port."""
