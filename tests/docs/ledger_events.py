"""docs/reference/ledger-events.md: everything that is written into the ledger, by feature."""

import importlib
from importlib.util import find_spec

from appliance.database.piccolo_conf import FEATURES
from tests.docs import GENERATED, cell

_HEAD = f"""# Ledger events

{GENERATED}

Each entry of [the ledger](ledger.md) has one of these events. It commits with what it describes, or neither happens.
Actor and subject are pseudonymous identifiers; names, addresses, payloads and people's words are content, which enters
by salted commitment and can be deleted lawfully without breaking any proof.
"""
TITLES = {
    "ledger": "The ledger itself",
    "identity": "Sign-in and people",
    "identity.directories": "Directories",
    "identity.providers": "Sign-in through providers",
    "identity.provisioning": "SCIM",
    "identity.passkeys": "Passkeys",
    "identity.break_glass": "The owner behind glass",
    "identity.flows": "Sign-in of phones and desktops",
    "agents": "Agents and machines",
    "agents.coverage": "Coverage of agents",
    "policy": "Policies",
    "decisions": "Decisions",
    "approvals": "Approvals",
    "notifications": "Notifications",
    "clients": "Phones and desktops",
    "backups": "Backups",
}


def events_of(feature: str) -> dict[str, str]:
    """Event -> what it tells, of a feature; empty if it writes none."""
    name = f"appliance.{feature}.events"
    if find_spec(name) is None:
        return {}
    found: dict[str, str] = importlib.import_module(name).EVENTS
    return found


def constants_of(feature: str) -> set[str]:
    """The events that a feature's module names."""
    module = importlib.import_module(f"appliance.{feature}.events")
    return {value for name, value in vars(module).items() if name.isupper() and isinstance(value, str)}


def render() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *(_section(feature) for feature in FEATURES if events_of(feature))])


def _section(feature: str) -> str:
    rows = [f"| `{event}` | {cell(told)} |" for event, told in events_of(feature).items()]
    return "\n".join([f"## {TITLES[feature]}", "", "| event | what happened |", "|---|---|", *rows, ""])
