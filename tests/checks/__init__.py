"""Checks of the repository itself that no ready-made linter makes; `make check` runs them all."""
