"""Directories for scripts, and what health tells of them."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.directory_world import directory_world
from tests.support.fake_directory import FakeDirectory, Fault
from tests.support.postgres import TestPostgres
from tests.support.syncing import enabled, ended, settings
from tests.support.web_world import World

RUNS = "/v1/directories/corp/runs"


@pytest.fixture
def fake() -> FakeDirectory:
    """Three people."""
    made = FakeDirectory()
    made.add("ida", "ben", "eve")
    return made


@pytest.fixture
async def world(postgres: TestPostgres, tmp_path: Path, fake: FakeDirectory) -> AsyncIterator[World]:
    """The application; its brake holds from the second person on."""
    async with directory_world(postgres, tmp_path, fake, settings(brake_people=1, allow_unencrypted=True)) as running:
        yield running


async def ran(world: World, **body: str) -> dict[str, Any]:
    """Begin a run, and read it when it has ended."""
    begun = await world.as_script(world.owner, "POST", "/v1/directories/corp/sync", body)
    assert begun.status_code == 202, begun.text
    await ended()
    told: dict[str, Any] = (await world.as_script(world.owner, "GET", f"{RUNS}/{begun.json()['id']}")).json()
    return told


async def test_a_script_runs_confirms_and_undoes(world: World, fake: FakeDirectory) -> None:
    """The answer is the run with everybody in it; a second decision is refused."""
    owner = world.owner
    done = await ran(world)
    assert (done["state"], [line["who"] for line in done["changes"]]) == ("done", ["ida", "ben", "eve"])
    assert "cursor" not in done
    for key in list(fake.users)[:2]:
        fake.change(key, is_disabled=True)
    held = await ran(world, kind="full")
    assert (held["state"], held["counts"]) == ("held", {"disabled": 2})
    [corp] = (await world.as_script(owner, "GET", "/v1/directories")).json()["directories"]
    assert (corp["held"]["id"], corp["known"]["people"], corp["hosts"][0]["state"]) == (held["id"], 3, "up")
    confirmed = await world.as_script(owner, "POST", f"{RUNS}/{held['id']}/confirm")
    assert confirmed.json()["state"] == "done", confirmed.text
    assert (await world.as_script(owner, "POST", f"{RUNS}/{held['id']}/reject")).status_code == 409
    assert (await world.as_script(owner, "POST", f"{RUNS}/{held['id']}/undo")).json()["state"] == "undone"
    assert all((await enabled()).values())
    first = (await world.as_script(owner, "GET", f"{RUNS}?limit=1")).json()
    second = (await world.as_script(owner, "GET", f"{RUNS}?limit=1&before={first['next']}")).json()
    assert [first["runs"][0]["id"], second["runs"][0]["id"]] == [held["id"], done["id"]]
    assert (await world.as_script(owner, "GET", f"{RUNS}/{done['id']}")).json() == {**done, "changes": done["changes"]}


async def test_who_may_not_is_refused(world: World) -> None:
    """Members read nothing; an unknown directory is not found."""
    assert (await world.as_script(world.member, "GET", "/v1/directories")).status_code == 403
    assert (await world.as_script(world.member, "POST", "/v1/directories/corp/sync", {})).status_code == 403
    assert (await world.as_script(world.owner, "GET", "/v1/directories/lab/runs")).status_code == 404
    assert (await world.as_script(world.owner, "POST", "/v1/directories/lab/sync", {})).status_code == 404


async def test_health_warns_and_stays_ready(world: World, fake: FakeDirectory) -> None:
    """Whatever becomes of a directory, calls are decided; the words name nobody."""
    assert (await world.client.get("/health")).json()["warnings"] == ["directory_unencrypted"]
    fake.fault = Fault.ERROR
    failed = await ran(world)
    assert (failed["state"], failed["problem"]) == ("failed", "dc1 said: 51 busy")
    told = (await world.client.get("/health")).json()
    assert told["warnings"] == ["directory_host_down", "directory_sync_failing", "directory_unencrypted"]
    assert (told["status"], (await world.client.get("/health/ready")).status_code) == ("ok", 200)
    statements = (await world.as_script(world.owner, "GET", "/v1/directories")).json()["statements"]
    assert any("51 busy" in statement for statement in statements)
