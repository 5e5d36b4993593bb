"""Ledger events of how well agents are covered."""

from typing import Final

AGENT_TAMPERED: Final = "agent.tampered"
AGENT_SILENT: Final = "agent.silent"
AGENT_RECOVERED: Final = "agent.recovered"
AGENT_CHANGE_ACCEPTED: Final = "agent.change_accepted"

EVENTS: Final[dict[str, str]] = {
    AGENT_TAMPERED: "An agent's hooks were changed or taken away; `cause` says how that was seen.",
    AGENT_SILENT: "An agent works without asking: something else tells of it, but no hook arrives.",
    AGENT_RECOVERED: "An agent that was tampered with or silent is neither any more.",
    AGENT_CHANGE_ACCEPTED: "Somebody looked at the change of an agent's settings and accepted it.",
}
