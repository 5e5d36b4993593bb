"""The effects that facts name and policies test; `appliance.policy.effects` holds the same words."""

from enum import StrEnum
from typing import Final


class Effect(StrEnum):
    """What an action would do. `MEANINGS` tells each in a sentence, `docs/reference/effects.md` in detail."""

    DESTRUCTIVE = "destructive"
    DELETES_ROOT = "deletes_root"
    PRIVILEGED = "privileged"
    PIPES_TO_SHELL = "pipes_to_shell"
    CREDENTIAL_READ = "credential_read"
    ENVIRONMENT_DUMP = "environment_dump"
    EXFILTRATION = "exfiltration"
    UPLOADS = "uploads"
    FORCE_PUSH = "force_push"
    HISTORY_REWRITE = "history_rewrite"
    PACKAGE_PUBLISH = "package_publish"
    PACKAGE_INSTALL = "package_install"
    DATA_STORE_WRITE = "data_store_write"
    PRODUCTION_CONTEXT = "production_context"
    PERSISTENCE = "persistence"
    DISABLES_PROTECTION = "disables_protection"
    RUNS_CODE = "runs_code"
    NETWORK = "network"
    BACKGROUND_SERVICE = "background_service"
    REVERSE_SHELL = "reverse_shell"
    OBFUSCATED = "obfuscated"


MEANINGS: Final = {
    Effect.DESTRUCTIVE: "destroys what is costly or impossible to get back",
    Effect.DELETES_ROOT: "deletes a root, system or home folder",
    Effect.PRIVILEGED: "runs with more rights than the agent's own user has, or hands out such rights",
    Effect.PIPES_TO_SHELL: "runs what was downloaded, decoded or made by another program",
    Effect.CREDENTIAL_READ: "reads a file or store that keeps keys, passwords or tokens",
    Effect.ENVIRONMENT_DUMP: "prints environment variables that may hold secrets",
    Effect.EXFILTRATION: "sends content of files, variables or programs to a host",
    Effect.UPLOADS: "sends data to a host",
    Effect.FORCE_PUSH: "overwrites or removes what others have pushed",
    Effect.HISTORY_REWRITE: "rewrites local history or drops commits",
    Effect.PACKAGE_PUBLISH: "publishes a package, image or release",
    Effect.PACKAGE_INSTALL: "installs packages of others",
    Effect.DATA_STORE_WRITE: "drops or alters data in a store in bulk",
    Effect.PRODUCTION_CONTEXT: "names a production system or changes running infrastructure",
    Effect.PERSISTENCE: "leaves something behind that runs, or lets somebody in, later",
    Effect.DISABLES_PROTECTION: "changes or bypasses a security control",
    Effect.RUNS_CODE: "runs code whose text is not in the action",
    Effect.NETWORK: "talks to a host",
    Effect.BACKGROUND_SERVICE: "leaves a process running in the background",
    Effect.REVERSE_SHELL: "gives another machine a shell on this one",
    Effect.OBFUSCATED: "hides what it does",
}
