"""Whatever is sent to clients' routes: words that are documented, and never a fault of the service."""

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.identity.records import SessionKind
from tests.server.test_routes import client_paths, filled, session_routes
from tests.support.web_world import World

# docs/reference/phones-and-desktops.md tells what each of them means to a client.
DOCUMENTED = {200, 201, 400, 401, 403, 404, 409, 410, 413, 426, 429}
OPEN = ("/api/updates/check", "/v1/enroll", "/v1/mobile/devices", "/v1/desktop/enroll")
NAMES = (
    "resolution", "resolutionGuidance", "response", "answers", "platform", "deviceName", "hostname", "agents", "kind",
    "agentKind", "skillName", "skillPath", "riskScore", "monitored", "request", "event", "agent", "eventName", "tool",
    "prompt", "sessionId", "version", "app", "channel", "name", "input", "deploymentToken", "idempotencyKey",
)  # fmt: skip
ODD = ["", "allow", "deny", "\0", "\u202e", "x" * 2_000, "PreToolUse", "claude-code", "Bash", "../..", "NaN", "😀"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.sampled_from(ODD),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=12,
)
BODIES = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8).map(msgspec.json.encode) | st.sampled_from(
    [b"", b"[]", b"{", b'"x"', b"\xff", b'{"a":1,"a":2}', b'{"hostname":"\\ud800"}', b'{"a":NaN}', b"[" * 5_000]
)
LATER = {"laterField": {"is": ["not", "read"]}}
KNOWN: dict[str, dict[str, Any]] = {
    "/v1/mobile/auth/start": {
        "redirectUri": "openleash://auth/callback", "audience": "individual", "providerType": "local",
    },
    "/v1/mobile/devices": {"platform": "ios", "deviceName": "localhost", "appVersion": "1.0.0"},
    "/v1/agents/codex/monitoring": {"monitored": True},
    "/v1/desktop/enroll": {"hostname": "mias-mbp", "agents": [{"kind": "codex", **LATER}]},
    "/v1/desktop/agents": {"hostname": "mias-mbp", "agents": [{"kind": "codex", **LATER}]},
    "/v1/plugin-runtime/verify": {},
    "/v1/skills/observations": {"agentKind": "codex", "skillName": "deploy", "skillPath": "/s/SKILL.md"},
    "/api/updates/check": {"version": "0.36.57", "platform": "darwin", "arch": "arm64"},
}  # fmt: skip
SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]  # the database is real


@pytest.fixture(autouse=True)
async def _in_an_app(world: World) -> None:
    """The member's session is that of an app, because a script's enrols no machine."""
    await world.keep_as(world.member.token, SessionKind.DEVICE)


@pytest.mark.parametrize("path", KNOWN)
async def test_a_field_of_a_later_client_changes_nothing(world: World, path: str) -> None:
    """Published clients grow; a field that is not known is neither read nor refused, on every route of theirs."""
    for body in (KNOWN[path], {**KNOWN[path], **LATER}):
        reply = await world.as_script(world.member, "POST", path, body)
        assert reply.status_code in {200, 201}, reply.text


@settings(max_examples=120, deadline=None, database=None, derandomize=True, suppress_health_check=SLOW)
@given(st.integers(0, 10_000), BODIES, st.sampled_from(["person", "machine", "nobody", "dead"]))
async def test_any_body_is_answered_in_words(world: World, place: int, body: bytes, who: str) -> None:
    """By a person, a machine and strangers, on each route that changes something; bodies are made at random."""
    clients = client_paths(world)
    routes = [(method, filled(path)) for method, path in session_routes(world) if path in clients]
    routes += [("POST", path) for path in OPEN]
    method, path = routes[place % len(routes)]
    token = {"person": world.member.token, "machine": world.machine_token, "nobody": "", "dead": "ol_x"}[who]
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    reply = await world.client.request(method, path, headers=headers, content=body)
    assert reply.status_code in DOCUMENTED, (method, path, body, reply.text)
    told: dict[str, Any] = reply.json()
    assert reply.status_code < 400 or (told["error"] and told["message"] and told["code"]), (path, body)
    if who in {"nobody", "dead"} and path not in {"/api/updates/check", "/v1/enroll"}:
        assert reply.status_code == 401
