"""Versions of the contract: every function, on the path and method that clients call."""

from collections.abc import Mapping

import pytest

from server.contract import CONTRACTS
from tests.support.contract import VERSIONS
from tests.support.web_world import World

CALLS: Mapping[str, tuple[str, str]] = {
    "health": ("GET", "/health"),
    "mobileBootstrap": ("GET", "/v1/mobile/bootstrap"),
    "mobileAuthStart": ("POST", "/v1/mobile/auth/start"),
    "mobileAuthExchange": ("POST", "/v1/mobile/auth/exchange"),
    "mobileDeviceRegister": ("POST", "/v1/mobile/devices"),
    "mobileState": ("GET", "/v1/mobile/state"),
    "agentMonitoring": ("POST", "/v1/agents/codex/monitoring"),
    "mobileDecisionResolve": ("POST", "/v1/mobile/decisions/018f0000-0000-7000-8000-000000000000/resolve"),
    "mobileModelKey": ("POST", "/v1/mobile/model-key"),
    "clientEvents": ("GET", "/v1/client/events"),
    "clientNotifications": ("GET", "/v1/client/notifications"),
    "tenantPluginsRead": ("GET", "/v1/plugins"),
    "adminPluginsWrite": ("POST", "/v1/plugins/openleash.dlp/settings"),
    "authAccountOutcomes": ("GET", "/v1/outcomes"),
    "tenantEnroll": ("POST", "/v1/enroll"),
    "desktopEnroll": ("POST", "/v1/desktop/enroll"),
    "sessionMonitoring": ("POST", "/v1/session-monitoring"),
    "tenantSkillObservation": ("POST", "/v1/skills/observations"),
    "clientUpdateCheck": ("POST", "/api/updates/check"),
    "clientUpdateLatest": ("GET", "/api/updates/latest"),
}
HOOKS = {"localHookEvaluate", "tenantHookEvaluate"}
MORE = (
    ("mobileState", "GET", "/v1/client/history"),
    ("desktopEnroll", "POST", "/v1/desktop/agents"),
    ("adminPluginsWrite", "POST", "/v1/plugins/openleash.dlp/install"),
    ("adminPluginsWrite", "POST", "/v1/plugins/openleash.dlp/uninstall"),
    ("sessionMonitoring", "DELETE", "/v1/session-monitoring"),
)


def test_versions_are_those_that_clients_send() -> None:
    """Of the apps, the desktop and the hooks, which are looked at by their own tests."""
    assert CONTRACTS == VERSIONS
    assert set(CONTRACTS) == {*CALLS, *HOOKS}


@pytest.mark.parametrize(
    ("function", "method", "path"), [*((name, *call) for name, call in CALLS.items()), *MORE], ids=lambda part: part
)
async def test_another_version_is_told_so_before_anything_else(
    world: World, function: str, method: str, path: str
) -> None:
    """426 with the members that clients log, whoever calls and whatever is sent; both headers come back."""
    expected = CONTRACTS[function]
    name = expected.partition(".")[2]
    for version in (f"2027-01-01.{name}", expected[:-1] + "2", "2026-05-22.other.v1", "x"):
        headers = {
            "x-openleash-api-function": "anything", "x-openleash-api-version": version, "authorization": "Bearer dead",
        }  # fmt: skip
        reply = await world.client.request(method, path, headers=headers, content=b"{")
        told = reply.json()
        assert reply.status_code == 426, (version, reply.text)
        assert (told["error"], told["function"], told["expectedVersion"], told["receivedVersion"]) == (
            "contract version not supported", function, expected, version,
        )  # fmt: skip
        assert (reply.headers["x-openleash-api-version"], reply.headers["x-openleash-api-function"]) == (
            version, "anything",
        )  # fmt: skip
    for version in (expected, f"2026-01-01.{name}", ""):
        reply = await world.client.request(method, path, headers={"x-openleash-api-version": version}, content=b"{")
        assert reply.status_code != 426, (version, reply.text)
