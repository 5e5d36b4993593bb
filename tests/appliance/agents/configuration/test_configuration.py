"""Settings files of every agent: recorded word for word, readable by their agents, and closed when something fails."""

import asyncio
import json
import os
import re
import shlex
import subprocess
import tomllib
from itertools import product
from pathlib import Path
from urllib.parse import unquote

import pytest

from appliance.agents.configuration import _WRITERS, configuration_of
from appliance.agents.configuration.errors import ConfigurationRefusedError
from appliance.agents.configuration.records import Configuration, File, Request, Scope, System, Transport
from appliance.agents.dialects import DIALECTS, read
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
    text = re.sub(r'",\s+(?:"args": \[\s+)?"', " ", text)  # hooks without a shell: one argument a line
    called = re.findall(rf"(?:openleash-hook(?:\.ps1)?\\*\"? {agent}|/v1/hooks/{agent})[ /]([A-Za-z.]+)", text)
    called += re.findall(r'(?:ask|denial)\("([A-Za-z.]+)"', text)
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
    assert set(claude["env"].values()) == {""}
    assert {"SHELLOPTS", "BASH_ENV", "ENV", "LD_PRELOAD", "LD_LIBRARY_PATH"} <= set(claude["env"])
    hooks = [hook for groups in claude["hooks"].values() for group in groups for hook in group["hooks"]]
    assert {(hook["onFailure"], hook["timeout"]) for hook in hooks} == {("block", 600)}
    assert all(hook["args"][-4] == "claude" and " -" not in hook["command"] for hook in hooks)  # without a shell
    codex = tomllib.loads(configuration_of("codex", wanted).files[0].content)
    assert codex["allow_managed_hooks_only"] is True
    assert "never" not in codex["allowed_approval_policies"]
    assert "danger-full-access" not in codex["allowed_sandbox_modes"]
    assert codex["hooks"]["PreToolUse"][0]["hooks"][0]["timeout"] == 600
    for file in configuration_of("cline", request(Scope.USER, System.LINUX)).files:
        assert file.content.startswith("#!/bin/sh -p\n")  # as the shim: where sh is bash, variables come first
    cursor = json.loads(configuration_of("cursor", wanted).files[0].content)
    assert all(hook["failClosed"] is True for hooks in cursor["hooks"].values() for hook in hooks)
    assert {"preToolUse", "beforeSubmitPrompt", "subagentStart"} <= set(cursor["hooks"])
    gemini = json.loads(configuration_of("gemini", wanted).files[0].content)
    assert (gemini["security"]["disableYoloMode"], gemini["hooksConfig"]["enabled"]) == (True, True)
    assert {"DEBUG", "SHELLOPTS", "LD_PRELOAD"} <= set(gemini["advanced"]["excludedEnvVars"])
    timeouts = {hook["timeout"] for groups in gemini["hooks"].values() for group in groups for hook in group["hooks"]}
    assert timeouts == {600_000}


@pytest.mark.parametrize("system", System)
def test_managed_settings_of_agents_that_have_no_such_switch(system: System) -> None:
    """Copilot's policy hooks cannot be switched off and say their time; OpenCode's plug-in stops by exceptions alone.

    What these settings cannot close, the cautions say: so that nobody takes them for closed.
    """
    wanted = request(Scope.MANAGED, system)
    copilot = configuration_of("copilot", wanted)
    assert "policy.d" in copilot.files[0].path
    hooks = json.loads(copilot.files[0].content)["hooks"]
    assert {"preToolUse", "permissionRequest", "userPromptSubmitted"} <= set(hooks)
    assert {hook["timeoutSec"] for groups in hooks.values() for hook in groups} == {600}
    opencode = configuration_of("opencode", wanted)
    plug_in, settings = opencode.files
    assert [unquote(address) for address in json.loads(settings.content)["plugin"]] == [
        "file:///" + plug_in.path.lstrip("/").replace("\\", "/")
    ]
    assert plug_in.content.count("throw new Error") == len(re.findall(r"await ask\(", plug_in.content)) + 1
    for agent, said in (
        ("copilot", "cloud agent"), ("opencode", "--pure"), ("gemini", "GEMINI_CLI_SYSTEM_SETTINGS_PATH"),
        ("cursor", "preToolUse"), ("codex", "goes on"),
    ):  # fmt: skip
        assert said in " ".join(configuration_of(agent, wanted).cautions), agent


@pytest.mark.parametrize(("agent", "wanted", "made"), AVAILABLE)
def test_programs_lie_where_no_repository_or_user_puts_any(agent: str, wanted: Request, made: Configuration) -> None:
    """PowerShell is named in full, as Windows looks into the current folder; nothing is below Homebrew's prefix."""
    text = shown(made) + made.install
    assert not re.search(r"(?<![\\/\w])powershell(?:\.exe)?(?![\w\"])", text.replace('"powershell":', "")), agent
    if wanted.system is System.MACOS:
        assert "/usr/local" not in text
    if wanted.system is System.MACOS and wanted.scope is Scope.MANAGED and wanted.transport is Transport.SHIM:
        assert 'mkdir -p "/opt/openleash"' in text
        assert re.search(r"/opt/openleash/openleash-hook\b", shown(made))


def test_git_bash_and_powershell_find_the_same_program() -> None:
    """A backslash without quotes is lost in Git Bash; a line that begins with a quote is no command in PowerShell."""
    program = r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe"
    claude = json.loads(configuration_of("claude", request(Scope.USER, System.WINDOWS)).files[0].content)
    line = claude["hooks"]["PreToolUse"][0]["hooks"][0]["command"]
    assert shlex.split(line)[0] == program
    copilot = json.loads(configuration_of("copilot", request(Scope.USER, System.WINDOWS)).files[0].content)
    assert copilot["hooks"]["preToolUse"][0]["powershell"].startswith(f"{program} -NoProfile ")


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
@pytest.mark.parametrize("what", ["tool", "prompt"])
async def test_plug_ins_stop_what_is_not_allowed(
    agent: str, what: str, said: str | None, exit_code: int, *, runs: bool, tmp_path: Path
) -> None:
    """Run by Node against a shim that says something, fails, or is not there."""
    assert await _hosted(agent, said, exit_code, what, tmp_path) == ("runs" if runs else "stopped")


# What the agents do with a plug-in before a tool and before a prompt.
_HOSTS = {
    "opencode": """
import { OpenLeash } from "./plug-in.mjs";
const hooks = await OpenLeash({ directory: "/src" });
const about = { tool: "bash", sessionID: "s", callID: "c" };
const parts = [{ type: "text", text: "Deploy" }, { type: "file" }, { type: "text", text: "at once" }];
try {
  if (process.argv[2] === "tool") await hooks["tool.execute.before"](about, { args: { command: "ls" } });
  else await hooks["chat.message"]({ sessionID: "s" }, { message: {}, parts });
  console.log("runs");
} catch { console.log("stopped"); }
""",
    "openclaw": """
import plugIn from "./plug-in.mjs";
const hooks = {};
plugIn.register({ on: (name, handler) => { hooks[name] = handler; } });
const event = { toolName: "exec", params: { command: "ls" }, prompt: "Deploy\\nat once" };
const tool = await hooks.before_tool_call(event, { sessionKey: "s" });
const prompt = await hooks.before_agent_run(event, { sessionKey: "s" });
await hooks.after_tool_call({ ...event, result: "a" }, { sessionKey: "s" });
const isStopped = process.argv[2] === "tool" ? tool?.block : prompt?.outcome !== "pass";
console.log(isStopped ? "stopped" : "runs");
""",
}


@pytest.mark.parametrize("agent", ["opencode", "openclaw"])
async def test_plug_ins_send_what_the_dialect_reads(agent: str, tmp_path: Path) -> None:
    """Prompts and tools arrive with their session, word for word, as this agent's dialect understands them."""
    said = await _hosted(agent, '{"decision":"allow"}', 0, "prompt", tmp_path)
    assert said == "runs"
    said = await _hosted(agent, '{"decision":"allow"}', 0, "tool", tmp_path)
    assert said == "runs"
    sent = dict(line.split(" ", 1) for line in (tmp_path / "sent").read_text().splitlines())
    prompt = read(agent, "UserPromptSubmit", json.loads(sent["UserPromptSubmit"]))
    assert (prompt.prompt, prompt.session) == ("Deploy\nat once", "s")
    before = "tool.execute.before" if agent == "opencode" else "PreToolUse"
    tool = read(agent, before, json.loads(sent[before]))
    assert (tool.arguments, tool.session) == ({"command": "ls"}, "s")


async def _hosted(agent: str, said: str | None, exit_code: int, what: str, place: Path) -> str:
    """What Node says that runs the plug-in against a shim that says something; None: there is no shim."""
    made = configuration_of(agent, request(Scope.USER, System.LINUX))
    (place / "plug-in.mjs").write_text(made.files[0].content, "utf-8")
    if said is not None:
        shim = place / ".openleash" / "openleash-hook"
        shim.parent.mkdir(exist_ok=True)
        clean = 'test -z "$BASH_ENV$LD_AUDIT" || exit 3'  # what the host is started with must not get here
        told = f"printf '%s %s\\n' \"$2\" \"$(cat)\" >>'{place}/sent'"
        shim.write_text(f"#!/bin/sh\n{clean}\n{told}\nprintf '%s' '{said}'\nexit {exit_code}\n")
        shim.chmod(0o755)
    (place / "host.mjs").write_text(_HOSTS[agent])
    process = await asyncio.create_subprocess_exec(
        "node", str(place / "host.mjs"), what, stdout=subprocess.PIPE,
        env={"HOME": str(place), "PATH": "/usr/bin:/bin", "BASH_ENV": "/nowhere", "LD_AUDIT": "/nowhere.so"},
    )  # fmt: skip
    out, _err = await process.communicate()
    return out.decode().strip()


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
