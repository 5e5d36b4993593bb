"""Settings files of every agent: recorded word for word, readable by their agents, and closed when something fails."""

import asyncio
import json
import os
import re
import subprocess
import tomllib
from itertools import product
from pathlib import Path

import pytest

from appliance.agents.configuration import _WRITERS, configuration_of
from appliance.agents.configuration.errors import ConfigurationRefusedError
from appliance.agents.configuration.records import Configuration, File, Request, Scope, System, Transport
from appliance.agents.dialects import DIALECTS
from appliance.agents.errors import AgentUnknownError
from appliance.agents.names import AGENT_NAMES
from appliance.agents.shim.release import shim_checksum

ORIGIN = "https://leash.example.org"
GOLDEN = Path(__file__).parent / "golden"
RECORDED = [
    ("claude", Scope.MANAGED, System.LINUX, Transport.SHIM), ("claude", Scope.MANAGED, System.MACOS, Transport.HTTP),
    ("claude", Scope.USER, System.WINDOWS, Transport.SHIM), ("codex", Scope.MANAGED, System.LINUX, Transport.SHIM),
    ("codex", Scope.USER, System.MACOS, Transport.SHIM), ("copilot", Scope.MANAGED, System.WINDOWS, Transport.SHIM),
    ("copilot", Scope.USER, System.LINUX, Transport.SHIM), ("vscode", Scope.USER, System.LINUX, Transport.SHIM),
    ("gemini", Scope.MANAGED, System.MACOS, Transport.SHIM), ("cursor", Scope.MANAGED, System.LINUX, Transport.SHIM),
    ("opencode", Scope.MANAGED, System.MACOS, Transport.SHIM), ("openclaw", Scope.USER, System.LINUX, Transport.SHIM),
    ("nanoclaw", Scope.USER, System.LINUX, Transport.SHIM), ("cline", Scope.USER, System.LINUX, Transport.SHIM),
]  # fmt: skip
EVERY = list(product(DIALECTS, Scope, System, Transport))


def request(scope: Scope, system: System, transport: Transport = Transport.SHIM) -> Request:
    return Request(origin=ORIGIN, scope=scope, system=system, transport=transport)


def available() -> list[tuple[str, Request, Configuration]]:
    """Every combination that an agent has."""
    found = []
    for agent, scope, system, transport in EVERY:
        wanted = request(scope, system, transport)
        try:
            found.append((agent, wanted, configuration_of(agent, wanted)))
        except ConfigurationRefusedError:
            continue  # which these are, a test below says
    return found


AVAILABLE = available()


def shown(made: Configuration) -> str:
    """Paths, rights and contents as one text."""
    return "".join(f"==> {file.path} ({file.mode})\n{file.content}" for file in made.files)


@pytest.mark.parametrize(("agent", "scope", "system", "transport"), RECORDED)
def test_settings_are_as_recorded(agent: str, scope: Scope, system: System, transport: Transport) -> None:
    """Word for word; to record anew, set RECORD=1 and read the difference."""
    file = GOLDEN / f"{agent}.{scope.value}.{system.value}.{transport.value}.txt"
    text = shown(configuration_of(agent, request(scope, system, transport)))
    if os.environ.get("RECORD"):
        file.write_text(text, "utf-8")
    assert text == file.read_text("utf-8")


def test_every_agent_can_be_connected_on_every_system() -> None:
    """By the user at least, except for Cline on Windows; managed wherever the agent knows that."""
    by_user = {(agent, wanted.system) for agent, wanted, _made in AVAILABLE if wanted.scope is Scope.USER}
    assert set(product(DIALECTS, System)) - by_user == {("cline", System.WINDOWS)}
    managed = {agent for agent, wanted, _made in AVAILABLE if wanted.scope is Scope.MANAGED}
    assert managed == {"claude", "codex", "copilot", "gemini", "cursor", "opencode"}
    assert {agent for agent, wanted, _made in AVAILABLE if wanted.transport is Transport.HTTP} == {"claude"}
    assert set(_WRITERS) == set(DIALECTS) == set(AGENT_NAMES)
    with pytest.raises(AgentUnknownError):
        configuration_of("clippy", Request(origin=ORIGIN))


@pytest.mark.parametrize(("agent", "wanted", "made"), AVAILABLE)
def test_settings_can_be_read_and_name_known_events(agent: str, wanted: Request, made: Configuration) -> None:
    """JSON and TOML parse, each hook calls this agent's own road with an event of its dialect, and none is a secret."""
    text = shown(made)
    called = re.findall(rf"(?:openleash-hook(?:\.ps1)?\\*\"? {agent}|/v1/hooks/{agent})[ /]([A-Za-z.]+)", text)
    called += re.findall(r'ask\("([A-Za-z.]+)"', text)
    assert called
    assert set(called) <= set(DIALECTS[agent].events)
    assert not re.search(r"\bol_[A-Za-z0-9]", text)
    for file in made.files:
        if file.path.endswith(".json"):
            json.loads(file.content)
        elif file.path.endswith(".toml"):
            tomllib.loads(file.content)


@pytest.mark.parametrize("system", System)
def test_managed_settings_close_every_way_around(system: System) -> None:
    """No hooks but ours, no mode that skips questions, and block on failure where an agent knows that."""
    wanted = request(Scope.MANAGED, system)
    claude = json.loads(configuration_of("claude", wanted).files[0].content)
    assert (claude["allowManagedHooksOnly"], claude["disableAllHooks"]) == (True, False)
    assert claude["permissions"]["disableBypassPermissionsMode"] == "disable"
    hooks = [hook for groups in claude["hooks"].values() for group in groups for hook in group["hooks"]]
    assert {(hook["onFailure"], hook["timeout"]) for hook in hooks} == {("block", 600)}
    codex = tomllib.loads(configuration_of("codex", wanted).files[0].content)
    assert codex["allow_managed_hooks_only"] is True
    assert "never" not in codex["allowed_approval_policies"]
    assert "danger-full-access" not in codex["allowed_sandbox_modes"]
    assert codex["hooks"]["PreToolUse"][0]["hooks"][0]["timeout"] == 600
    cursor = json.loads(configuration_of("cursor", wanted).files[0].content)
    assert all(hook["failClosed"] is True for hooks in cursor["hooks"].values() for hook in hooks)
    gemini = json.loads(configuration_of("gemini", wanted).files[0].content)
    assert gemini["security"]["disableYoloMode"] is True
    assert gemini["hooks"]["BeforeTool"][0]["hooks"][0]["timeout"] == 600_000


def scripts() -> list[tuple[str, File]]:
    """Each different plug-in in JavaScript."""
    found = {file.content: (agent, file) for agent, _wanted, made in AVAILABLE for file in made.files}
    return [(agent, file) for agent, file in found.values() if file.path.endswith(".js")]


@pytest.mark.parametrize(("agent", "file"), scripts())
def test_plug_ins_are_javascript(agent: str, file: File, tmp_path: Path) -> None:
    """Node reads them as modules."""
    module = tmp_path / "plug-in.mjs"
    module.write_text(file.content, "utf-8")
    subprocess.run(["node", "--check", str(module)], check=True)  # noqa: S603, S607 - our own file


@pytest.mark.parametrize(
    ("said", "exit_code", "runs"),
    [
        ('{"decision":"allow","reason":"fine"}', 0, True),
        ('{"decision":"block","reason":"no"}', 0, False),
        ('{"decision":"allow"}', 2, False),
        ("", 0, False),
        ("<html>", 0, False),
        ("null", 0, False),
        ("{}", 0, False),
        (None, 0, False),
    ],
)
@pytest.mark.parametrize("agent", ["opencode", "openclaw"])
async def test_plug_ins_stop_the_tool_unless_it_is_allowed(
    agent: str, said: str | None, exit_code: int, *, runs: bool, tmp_path: Path
) -> None:
    """Run by Node against a shim that says something, fails, or is not there."""
    made = configuration_of(agent, request(Scope.USER, System.LINUX))
    (tmp_path / "plug-in.mjs").write_text(made.files[0].content, "utf-8")
    if said is not None:
        shim = tmp_path / ".openleash" / "openleash-hook"
        shim.parent.mkdir()
        shim.write_text(f"#!/bin/sh\ncat >/dev/null\nprintf '%s' '{said}'\nexit {exit_code}\n")
        shim.chmod(0o755)
    (tmp_path / "host.mjs").write_text(_HOSTS[agent])
    process = await asyncio.create_subprocess_exec(
        "node", str(tmp_path / "host.mjs"), env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
    )  # fmt: skip
    out, _err = await process.communicate()
    assert out.decode().strip() == ("runs" if runs else "stopped")


# What the agents do with a plug-in before a tool.
_HOSTS = {
    "opencode": """
import { OpenLeash } from "./plug-in.mjs";
const hooks = await OpenLeash({ directory: "/src" });
try {
  await hooks["tool.execute.before"]({ tool: "bash", sessionID: "s", callID: "c" }, { args: { command: "ls" } });
  console.log("runs");
} catch { console.log("stopped"); }
""",
    "openclaw": """
import plugIn from "./plug-in.mjs";
let hook;
plugIn.register({ on: (_name, handler) => { hook = handler; } });
const said = await hook({ toolName: "exec", params: { command: "ls" } }, {});
console.log(said?.block ? "stopped" : "runs");
""",
}


@pytest.mark.parametrize("system", [System.LINUX, System.MACOS])
@pytest.mark.parametrize("scope", Scope)
def test_the_commands_that_install_compare_the_checksum(scope: Scope, system: System) -> None:
    """A shell can read them; the token is in no command line."""
    text = configuration_of("claude", request(scope, system)).install
    assert shim_checksum("openleash-hook.sh") in text
    subprocess.run(["dash", "-n"], input=text.encode(), check=True)  # noqa: S607 - a shell of the system
    assert '$token" >' in text
    windows = configuration_of("claude", request(scope, System.WINDOWS)).install
    assert shim_checksum("openleash-hook.ps1") in windows
    assert configuration_of("claude", request(Scope.USER, system, Transport.HTTP)).install == ""
