"""Pending asks: bound to the exact action, answered exactly once, released exactly once."""
