"""The effects that policies can name; protection finds them, and a test holds both lists together."""

from typing import Final

EFFECTS: Final = (
    "destructive",
    "deletes_root",
    "privileged",
    "pipes_to_shell",
    "credential_read",
    "environment_dump",
    "exfiltration",
    "uploads",
    "force_push",
    "history_rewrite",
    "package_publish",
    "package_install",
    "data_store_write",
    "production_context",
    "persistence",
    "disables_protection",
    "runs_code",
    "network",
    "background_service",
    "reverse_shell",
    "obfuscated",
)
