"""The dashboard: pages for people, rendered by the server from the same services as the API."""

from typing import Final

from litestar import Router
from litestar.types import ControllerRouterHandler

from appliance.identity.errors import SignInRequiredError
from server.authorization import redirect_to_sign_in
from server.dashboard import (
    account,
    agents,
    approvals,
    apps,
    decisions,
    ledger,
    live,
    overview,
    people,
    policies,
    providers,
    reference,
    sign_in,
)
from server.dashboard.assets import serve_static
from server.dashboard.rendering import template_config as template_config

_MODULES: Final = (
    overview, sign_in, providers, apps, account, approvals, decisions, policies, agents, ledger, people, reference,
    live,
)  # fmt: skip
_PAGES: Final = Router(
    "/",
    route_handlers=[handler for module in _MODULES for handler in module.handlers],
    exception_handlers={SignInRequiredError: redirect_to_sign_in},
)
route_handlers: Final[list[ControllerRouterHandler]] = [_PAGES, serve_static]
