"""Our shim, installed by the commands that we print, against a whole private cloud."""

import asyncio
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from appliance.agents.dialects import DIALECTS
from tests.support.journey import Cloud
from tests.support.machines import bash
from tests.support.pretended_agents import TOOL_RUNS, Ended
from tests.support.shims import ended

BEFORE = "PreToolUse"


@pytest.fixture(scope="module")
async def home(cloud: Cloud, deployment_token: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of somebody who pasted the printed commands into a shell."""
    folder = tmp_path_factory.mktemp("home")
    made = await cloud.leashctl("agents", "config", "claude", "--scope", "user", "--json")
    process = await asyncio.create_subprocess_exec(
        "sh", "-c", made["install"], env={"HOME": str(folder), "PATH": os.environ["PATH"]},
        stdin=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    _out, err = await process.communicate(f"{deployment_token}\n".encode())
    assert process.returncode == 0, err
    assert oct((folder / ".openleash" / "token").stat().st_mode)[-3:] == "600"
    return folder


def body_of(agent: str, command: str) -> dict[str, Any]:
    """What the agent sends before it runs a command."""
    sent = bash(command)
    if agent != "cline":
        return sent
    call = {"toolName": "execute_command", "parameters": {"command": command}}
    return {"clineVersion": "3.36.0", "hookName": BEFORE, "taskId": sent["tool_use_id"], "preToolUse": call}


async def asked(home: Path, agent: str, command: str) -> Ended:
    """What the shim says about a command."""
    place = home / ".openleash"
    content = json.dumps(body_of(agent, command)).encode()
    return await ended("sh", str(place / "openleash-hook"), agent, BEFORE, str(place), "100", body=content)


@pytest.mark.parametrize("agent", DIALECTS)
async def test_the_service_decides_through_the_shim(home: Path, agent: str) -> None:
    """An everyday command runs, a forbidden one does not, in each agent's own words."""
    allowed, denied = await asyncio.gather(asked(home, agent, "git status"), asked(home, agent, "rm -rf /"))
    assert TOOL_RUNS[agent](allowed), allowed
    assert not TOOL_RUNS[agent](denied), denied
    assert "could not be asked" not in denied.out


async def test_a_held_call_is_released_through_the_shim(cloud: Cloud, home: Path) -> None:
    """The shim waits as long as the service holds the call."""
    owner = await cloud.owner()
    held = asyncio.create_task(asked(home, "claude", "psql -c 'drop table through_the_shim'"))
    [ask] = await cloud.pending_asks()
    await owner.answer(ask, "allow")
    assert TOOL_RUNS["claude"](await held)


async def test_the_installed_shim_counts_as_untouched(cloud: Cloud, home: Path) -> None:
    """Its own checksum comes with its calls; a changed one is tampering once it calls again."""
    assert await cloud.count("decision", "agent = 'claude'") > 0
    script = await cloud.script()
    await _until_state(script, "live")
    shim = home / ".openleash" / "openleash-hook"
    whole = shim.read_text("utf-8")
    shim.write_text(whole + "# changed\n", "utf-8")
    await asked(home, "claude", "git status")
    await _until_state(script, "tampered")
    shim.write_text(whole, "utf-8")


async def _until_state(script: Any, state: str) -> None:  # noqa: ANN401 - a visitor
    """Wait until a worker has written down what the hooks' client calls itself."""
    found: list[str] = []
    for _ in range(300):
        reply = await script.send("GET", f"/v1/agents/coverage?agent=claude&state={state}")
        found = [one["runtime"]["client_version"] for one in reply.json()["agents"]]
        if any(version.startswith("shim-") for version in found):
            return
        await asyncio.sleep(0.1)
    message = f"not {state}: {found}"
    raise AssertionError(message)
