"""What an action would do, and the secrets in it."""
