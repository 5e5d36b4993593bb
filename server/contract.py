"""Versions of the functions that published clients name in their headers."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from litestar.handlers import BaseRouteHandler

from server.addresses import Headers
from server.headers import RawHeaders
from server.http_errors import ContractVersionError
from server.requests import AnyConnection

FUNCTION_HEADER: Final = b"x-openleash-api-function"
VERSION_HEADER: Final = b"x-openleash-api-version"
RELAY_PATH: Final = "/v1/agent-events"  # what clients send there is as large as what hooks do
_ECHO_BYTES_MAX: Final = 100
_DATE: Final = r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_VERSION: Final = re.compile(rf"({_DATE})\.(.+)")
Guard = Callable[[AnyConnection, BaseRouteHandler], Awaitable[None]]
# Function to the version that this release speaks. Which function a request is, method and path say.
CONTRACTS: Final[Mapping[str, str]] = {
    "health": "2026-05-16.health.v1",
    "mobileBootstrap": "2026-05-22.mobile-bootstrap.v1",
    "mobileAuthStart": "2026-05-22.mobile-auth-start.v1",
    "mobileAuthExchange": "2026-05-22.mobile-auth-exchange.v1",
    "mobileDeviceRegister": "2026-05-22.mobile-device-register.v1",
    "mobileState": "2026-05-22.mobile-state.v1",
    "agentMonitoring": "2026-05-22.mobile-state.v1",
    "mobileDecisionResolve": "2026-05-22.mobile-decision-resolve.v1",
    "mobileModelKey": "2026-05-23.mobile-model-key.v1",
    "clientEvents": "2026-07-27.client-events.v1",
    "clientNotifications": "2026-06-28.client-notifications.v1",
    "tenantPluginsRead": "2026-06-20.tenant-plugins-read.v1",
    "adminPluginsWrite": "2026-06-20.admin-plugins-write.v1",
    "authAccountOutcomes": "2026-06-24.auth-account-outcomes.v1",
    "tenantEnroll": "2026-05-16.tenant-enroll.v1",
    "desktopEnroll": "2026-06-03.desktop-enroll.v1",
    "sessionMonitoring": "2026-07-29.session-monitoring.v1",
    "tenantSkillObservation": "2026-05-27.tenant-skill-observation.v1",
    "clientUpdateCheck": "2026-05-16.client-update-check.v1",
    "clientUpdateLatest": "2026-05-16.client-update-latest.v1",
    "localHookEvaluate": "2026-05-22.local-hook-evaluate.v1",
    "tenantHookEvaluate": "2026-05-22.tenant-hook-evaluate.v1",
}


def is_spoken(version: str, expected: str) -> bool:
    """Whether a release that speaks `expected` speaks `version`: none, the same, or an older date of the same name."""
    if version in {"", expected}:
        return True
    ours, theirs = _VERSION.fullmatch(expected), _VERSION.fullmatch(version)
    return bool(ours and theirs and theirs[2] == ours[2] and theirs[1] <= ours[1])


def speaks(function: str) -> Guard:
    """A guard that refuses clients of another version of the function, before anybody is authenticated."""
    expected = CONTRACTS[function]

    async def guard(connection: AnyConnection, _handler: BaseRouteHandler) -> None:
        received = connection.headers.get(VERSION_HEADER.decode(), "")
        if not is_spoken(received, expected):
            raise ContractVersionError(function, expected, received[:_ECHO_BYTES_MAX])

    return guard


def echoed(headers: Headers) -> RawHeaders:
    """The version headers of a request, for its answer."""
    return [
        (name, value)
        for name, value in headers
        if name in {FUNCTION_HEADER, VERSION_HEADER} and len(value) <= _ECHO_BYTES_MAX
    ]
