"""The JSON API: the same services as the dashboard, for scripts, machines and published clients."""

from typing import Final

from litestar import Router

from server.api import account, agents, approvals, decisions, enrolment, health, hooks, ledger, people, policies
from server.api.bodies import strict_json
from server.api.openapi import show_openapi

_MODULES: Final = (health, hooks, enrolment, account, approvals, decisions, policies, agents, ledger, people)
route_handlers: Final = [
    Router(
        "/",
        route_handlers=[*(handler for module in _MODULES for handler in module.handlers), show_openapi],
        before_request=strict_json,
    )
]
