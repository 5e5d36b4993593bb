"""The shims are what their templates and the dialects make of them."""

import json
import re
import subprocess

import pytest

from appliance.agents import dialects
from appliance.agents.shim.build import FOLDER, PATIENCE_SECONDS
from tests.support.shims import ended

PAIRS = [(agent, event) for agent, dialect in dialects.DIALECTS.items() for event in dialect.events]
# Denies that have no room for a reason.
WORDLESS = {"Elicitation", "ElicitationResult", "BeforeToolSelection", "WorktreeCreate", "PermissionDenied"}


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_shells_can_read_it(shell: str) -> None:
    """Without running it."""
    subprocess.run([shell, "-n", str(FOLDER / "openleash-hook.sh")], check=True)  # noqa: S603 - two names


@pytest.mark.parametrize("agent", dialects.DIALECTS)
async def test_a_shim_denies_in_the_words_of_the_service(agent: str) -> None:
    """Every event of every agent: the same JSON as the dialect's, but for the reason, and exit 0."""
    for event in dialects.DIALECTS[agent].events:
        found = await ended("dash", str(FOLDER / "openleash-hook.sh"), agent, event, "/nowhere", body=b"{}")
        said = found.said
        reason = re.search(r"OpenLeash could not be asked, so this is denied: [^\"]+", found.out)
        assert reason or event in WORDLESS, (agent, event, found)
        assert (found.code, said) == (0, dialects.deny(agent, event, reason[0] if reason else "whatever"))


async def test_an_unknown_event_is_exit_2() -> None:
    """There are no words for it, and nearly every agent takes that code for a deny."""
    for agent, event in (("claude", "Never"), ("clippy", "PreToolUse"), ("", ""), ("claude", "*"), ("*", "*")):
        found = await ended("dash", str(FOLDER / "openleash-hook.sh"), agent, event, body=b"{}")
        assert found == (2, ""), (agent, event)


def test_powershell_says_the_same() -> None:
    """Its table of denies is the dialects' too; the script itself is not run here, for want of a PowerShell."""
    text = (FOLDER / "openleash-hook.ps1").read_text("utf-8")
    rows = re.findall(r"^  @\(@\((.+)\), '(.*)'\)$", text, re.MULTILINE)
    told = {tuple(pair[1:-1].split(" ")): value for pairs, value in rows if "{" in value for pair in pairs.split(", ")}
    limits = {
        tuple(pair[1:-1].split(" ")): value for pairs, value in rows if "{" not in value for pair in pairs.split(", ")
    }
    assert set(told) == set(limits) == set(PAIRS)
    for agent, event in PAIRS:
        assert json.loads(told[agent, event].replace("''", "'")) == dialects.deny(agent, event, "@REASON@")
        assert int(limits[agent, event]) == round(dialects.hold_seconds(agent, event)) + PATIENCE_SECONDS
    assert text.count("{") == text.count("}")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert lines[0].startswith("param(")
    assert lines[1] == r'$env:PSModulePath = "$PSHOME\Modules"'  # before any command that loads by it
