"""The page that connects an agent, and the proof that a hook of it arrives."""

import re

from tests.support.machines import bash
from tests.support.web_world import ORIGIN, World


async def test_the_page_shows_the_files_of_an_agent(world: World) -> None:
    """With this service's address, the commands that install the shim, and each file to download."""
    shown = await world.as_browser(world.owner, "GET", "/agents/connect?agent=codex&system=macos&scope=managed")
    assert shown.status_code == 200
    assert "/etc/codex/requirements.toml" in shown.text
    assert f"{ORIGIN}/shim/openleash-hook.sh" in shown.text
    path = "/agents/connect/files/0?agent=codex&system=macos&scope=managed"
    file = await world.as_browser(world.owner, "GET", path)
    assert "allow_managed_hooks_only = true" in file.text
    assert 'filename="requirements.toml"' in file.headers["content-disposition"]
    assert (await world.as_browser(world.owner, "GET", path.replace("/0?", "/7?"))).status_code == 404


async def test_what_an_agent_does_not_have_is_told(world: World) -> None:
    """In words on the page, as a problem in the API; an odd choice is as if it were left out."""
    shown = await world.as_browser(world.owner, "GET", "/agents/connect?agent=cline&scope=managed")
    assert shown.status_code == 400
    assert "reads no settings that only administrators can change" in shown.text
    refused = await world.as_script(world.owner, "GET", "/v1/agents/codex/configuration?transport=http")
    assert (refused.status_code, refused.json()["code"]) == (400, "agent_configuration_refused")
    assert (await world.as_script(world.owner, "GET", "/v1/agents/clippy/configuration")).status_code == 400
    assert (await world.as_script(world.owner, "GET", "/v1/agents/codex/configuration?os=beos")).status_code == 400
    odd = await world.as_browser(world.owner, "GET", "/agents/connect?agent=%3Cx&system=beos&scope=9&since=never")
    assert odd.status_code == 200
    assert "managed-settings.json" in odd.text


async def test_the_api_has_the_same_files(world: World) -> None:
    """By scope, system and transport."""
    query = "?scope=managed&os=windows&transport=http"
    made = (await world.as_script(world.owner, "GET", f"/v1/agents/claude/configuration{query}")).json()
    assert made["files"][0]["path"] == r"C:\Program Files\ClaudeCode\managed-settings.json"
    assert made["install"] == ""
    assert made["cautions"]


async def test_the_page_waits_until_a_hook_arrives(world: World) -> None:
    """Not for an earlier one, nor another agent's; it names the machine, and proves it by the decision."""
    await world.hook(bash("ls"), agent="nanoclaw")
    shown = await world.as_browser(world.owner, "GET", "/agents/connect?agent=nanoclaw&scope=user")
    waiting = re.search(r'hx-get="(/agents/connect/arrival[^"]+)"', shown.text)
    assert waiting
    path = waiting[1].replace("&amp;", "&")
    await world.hook(bash("ls"), agent="claude")
    assert "Waiting for a hook of NanoClaw" in (await world.as_browser(world.owner, "GET", path)).text
    await world.hook(bash("ls"), agent="nanoclaw")
    arrived = (await world.as_browser(world.owner, "GET", path)).text
    assert "laptop-1" in arrived
    assert "hx-trigger" not in arrived
    decision = re.search(r'href="(/decisions/[0-9a-f-]{36})"', arrived)
    assert decision
    assert (await world.as_browser(world.owner, "GET", decision[1])).status_code == 200
    again = path.replace("/arrival", "")
    assert decision[1] in (await world.as_browser(world.owner, "GET", again)).text
