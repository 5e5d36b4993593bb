"""Facts about an action from its text alone: what it runs, touches, deletes and sends. Nothing is ever run."""
