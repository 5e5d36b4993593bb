"""The outside: one module per system, each behind a port of the feature that needs it."""
