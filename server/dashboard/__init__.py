"""The dashboard: pages for people, rendered by the server from the same services as the API."""

from typing import Final

from litestar import Router
from litestar.types import ControllerRouterHandler

from appliance.identity.errors import SignInRequiredError, StepUpRequiredError
from server.authorization import redirect_to_sign_in, redirect_to_step_up
from server.dashboard import (
    account,
    agents,
    approvals,
    apps,
    break_glass,
    connecting,
    coverage,
    decisions,
    devices,
    directories,
    groups,
    installed,
    ledger,
    live,
    notification_settings,
    notifications,
    overview,
    passkeys,
    people,
    person,
    policies,
    providers,
    reference,
    sign_in,
    step_up,
)
from server.dashboard.assets import serve_static
from server.dashboard.banner import look_at_the_glass
from server.dashboard.rendering import template_config as template_config

_MODULES: Final = (
    overview, sign_in, providers, apps, account, approvals, decisions, policies, agents, coverage, ledger, people,
    person, groups, directories, reference,
    live, installed, passkeys, step_up, break_glass, devices, notifications, notification_settings,
    connecting,
)  # fmt: skip
_PAGES: Final = Router(
    "/",
    route_handlers=[handler for module in _MODULES for handler in module.handlers],
    before_request=look_at_the_glass,
    exception_handlers={SignInRequiredError: redirect_to_sign_in, StepUpRequiredError: redirect_to_step_up},
)
route_handlers: Final[list[ControllerRouterHandler]] = [_PAGES, serve_static]
