"""Health, for monitors and load balancers."""

import tomllib
from pathlib import Path

import pytest

from appliance.database.connection import current_connection
from appliance.database.transaction import transaction
from server import readiness
from server.api.openapi import VERSION
from tests.support.web_world import World


async def test_a_sound_service_is_live_and_ready(world: World) -> None:
    """Each check is `ok`; the version is told; the contract's headers come back."""
    headers = {"x-openleash-api-version": "2026-05-16.health.v1", "x-openleash-api-function": "health"}
    health = await world.client.get("/health", headers=headers)
    assert (health.status_code, health.json()["status"]) == (200, "ok")
    assert health.headers["x-openleash-api-version"] == "2026-05-16.health.v1"
    assert (await world.client.get("/health/live")).json() == {"status": "alive"}
    ready = (await world.client.get("/health/ready")).json()
    assert set(ready["checks"].values()) == {"ok"}
    assert set(ready["checks"]) == {"database", "policies", "writer", "listener", "sealer"}


async def test_strangers_and_agents_are_not_told_of_agents(world: World) -> None:
    """Whether tampering was noticed is for those who may read of agents, and a dead token is a stranger's."""
    async with transaction():
        await current_connection().execute(
            "INSERT INTO agent_runtime (id, machine_id, agent, first_seen_at, noted_state) "
            "SELECT gen_random_uuid(), id, state, now(), state FROM machine, (VALUES ('tampered'), ('silent')) s(state)"
        )
    alarms = {"agent_tampered", "agent_silent"}
    for token, told in ((None, set()), ("x", set()), (world.machine_token, set()), (world.owner.token, alarms)):
        headers = {"authorization": f"Bearer {token}"} if token else {}
        reply = await world.client.get("/health", headers=headers)
        assert reply.status_code == 200
        assert set(reply.json()["warnings"]) & alarms == told, token


def test_the_version_is_that_of_the_distribution() -> None:
    """What health tells is what was installed."""
    told = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    assert told["project"]["version"] == VERSION


async def test_another_version_of_the_health_function_is_refused(world: World) -> None:
    """426, as for every function of the contract."""
    reply = await world.client.get("/health", headers={"x-openleash-api-version": "2027-01-01.health.v9"})
    assert (reply.status_code, reply.json()["function"]) == (426, "health")


@pytest.mark.parametrize("broken", ["policies", "writer", "listener", "sealer", "database"])
async def test_whatever_keeps_it_from_deciding_is_named(
    world: World, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 with a problem that says what is wrong; the process itself stays live."""
    monkeypatch.setattr(readiness, "_REMEMBERED_SECONDS", 0.0)
    world.client.app.state.readiness = readiness.Readiness(world.appliance, world.road)
    _break(broken, world, monkeypatch)
    await world.client.get("/health/ready")
    reply = await world.client.get("/health/ready")
    assert (reply.status_code, reply.json()["code"]) == (503, "not_ready")
    assert broken in reply.json()["detail"]
    assert (await world.client.get("/health")).json()["status"] == "degraded"
    assert (await world.client.get("/health/live")).status_code == 200


def _break(broken: str, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unsealed() -> int:
        if broken == "database":
            raise ConnectionRefusedError
        return 7

    if broken == "policies":
        monkeypatch.setattr(world.appliance.policies, "_compiled", None)
        monkeypatch.setattr(world.appliance.policies, "_problem", "no policy was ever published")
    elif broken == "writer":
        monkeypatch.setattr(world.road.writer, "_connection", None)
    elif broken == "listener":
        monkeypatch.setattr(world.road.listener, "is_listening", False)
    else:
        monkeypatch.setattr(readiness, "count_unsealed", unsealed)
        monkeypatch.setattr(readiness, "SEAL_LAG_SECONDS", 0.0)
