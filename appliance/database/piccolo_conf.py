"""Piccolo's registry of features, in the order in which their migrations run."""

import os
from importlib.util import find_spec

from piccolo.conf.apps import AppRegistry
from piccolo.engine.postgres import PostgresEngine

MODULE = "appliance.database.piccolo_conf"
# Piccolo finds its registry by this variable only; nothing else of ours reads or writes the environment here.
os.environ["PICCOLO_CONF"] = MODULE

FEATURES = (
    "ledger",
    "identity",
    "identity.directories",
    "identity.providers",
    "identity.provisioning",
    "identity.passkeys",
    "identity.break_glass",
    "identity.flows",
    "agents",
    "agents.coverage",
    "policy",
    "decisions",
    "approvals",
    "notifications",
    "clients",
    "backups",
)
APP_REGISTRY = AppRegistry(apps=[app for feature in FEATURES if find_spec(app := f"appliance.{feature}.piccolo_app")])


class _Engine(PostgresEngine):
    """Piccolo's engine without its connection attempt at import; `connection.open_connection` checks the version."""

    async def check_version(self) -> None:
        """Nothing: see the class."""


# The one engine of the process. connection.connect() gives it its address before anything uses it.
DB = _Engine(config={})
