"""What published phones and desktops call, one module per group of the contract; structs are named as on the wire."""

from server.api.clients import (
    agent_events,
    decisions,
    desktop,
    devices,
    events,
    history,
    monitoring,
    notifications,
    outcomes,
    overview,
    plugins,
    skills,
    state,
    updates,
)

_MODULES = (
    state,
    devices,
    desktop,
    decisions,
    notifications,
    events,
    history,
    overview,
    outcomes,
    plugins,
    monitoring,
    skills,
    agent_events,
    updates,
)
handlers = [handler for module in _MODULES for handler in module.handlers]
