"""The append-only record of who did what, sealed so that nobody can quietly change it."""
