"""The JSON API: the same services as the dashboard, for scripts, machines and published clients."""

from typing import Final

from litestar import Router
from litestar.handlers import HTTPRouteHandler

from server.api import (
    account,
    agents,
    approvals,
    clients,
    connecting,
    coverage,
    decisions,
    directories,
    discovery,
    endpoint,
    enrolment,
    groups,
    health,
    hooks,
    ledger,
    mobile_auth,
    notifications,
    people,
    policies,
    push,
    shim,
    webhooks,
)
from server.api.bodies import strict_json
from server.api.openapi import ApiOperation, show_openapi
from server.api.scim import router as scim_router

_MODULES: Final = (
    health,
    hooks,
    enrolment,
    mobile_auth,
    clients,
    discovery,
    endpoint,
    account,
    approvals,
    decisions,
    policies,
    agents,
    ledger,
    people,
    groups,
    directories,
    notifications,
    push,
    webhooks,
    coverage,
    connecting,
    shim,
)
_HANDLERS: Final[list[HTTPRouteHandler]] = [handler for module in _MODULES for handler in module.handlers]
for _handler in _HANDLERS:
    _handler.operation_class = ApiOperation
route_handlers: Final = [
    Router("/", route_handlers=[*_HANDLERS, show_openapi], before_request=strict_json),
    scim_router,
]
