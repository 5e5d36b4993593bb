"""The guide's nginx in front of a real installation: no failure of its own may let an agent go on."""

import asyncio
import json
import re
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from appliance.agents import dialects
from appliance.config.sections import Hooks
from server.bodies import BODY_SECONDS
from server.hooks.handler import AFTER_HOLD_SECONDS
from tests.support.journey import Cloud
from tests.support.machines import Machine, bash
from tests.support.nginx import Nginx, block, nginx, seconds
from tests.support.processes import free_port

DROP = "psql -c 'drop table t'"
PUBLISHED = ("claude", "codex", "copilot", "cursor", "gemini", "opencode", "openclaw", "nanoclaw")
HOST_GIVES_UP_SECONDS = 600


@pytest.fixture
async def proxy(cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Nginx]:
    """In front of `cloud`; curl trusts its authority."""
    with nginx(tmp_path, f"127.0.0.1:{cloud.port}") as running:
        monkeypatch.setenv("CURL_CA_BUNDLE", str(running.authority))
        yield running


@pytest.fixture
async def behind(proxy: Nginx, machine: Machine) -> AsyncIterator[Machine]:
    """The machine, which calls through the proxy."""
    context = ssl.create_default_context(cafile=str(proxy.authority))
    async with httpx.AsyncClient(base_url=proxy.url, verify=context, timeout=60, trust_env=False) as http:
        yield replace(machine, http=http)


async def test_a_held_call_gets_its_answer_through_the_proxy(cloud: Cloud, behind: Machine) -> None:
    """Published hooks by the real curl: an allow, a deny, and a call that waits for a person."""
    assert (await behind.curl(bash("git status"))).is_allow
    assert (await behind.curl(bash("rm -rf /"))).is_deny
    held = asyncio.create_task(behind.curl(bash(DROP)))
    [ask] = await cloud.pending_asks(machine=behind)
    assert not held.done()
    await (await cloud.owner()).answer(ask, "allow", guidance="")
    assert (await held).is_allow


async def test_what_is_too_large_is_denied_by_the_service_and_not_refused_by_the_proxy(behind: Machine) -> None:
    """A body beyond `hooks.request_bytes_max`, also announced by Expect: 200 and the agent's own deny."""
    body = bash("x" * (Hooks().request_bytes_max + 1_000))
    for headers in ((), ("Expect: 100-continue",)):
        answer = await behind.curl(body, headers=headers)
        assert (answer.status, answer.exit_code, answer.is_deny) == (200, 0, True)


async def test_no_path_of_a_hook_is_redirected(proxy: Nginx, behind: Machine) -> None:
    """A redirect is an empty answer to `curl` without -L: two slashes and an unknown event get words."""
    twice = await behind.http.post(f"{proxy.url}/{behind.path()}", json=bash("git status"))
    assert (twice.status_code, twice.json()["hookSpecificOutput"]["permissionDecision"]) == (200, "allow")
    assert (await behind.http.post("/v1/hooks/claude/Nothing")).status_code == 400
    assert (await behind.http.get("/v1/hooks/claude")).status_code == 404


async def test_the_stream_comes_through_piece_by_piece(cloud: Cloud, behind: Machine) -> None:
    """The greeting, and a piece as soon as an ask appears."""
    headers = {"authorization": f"Bearer {behind.token}"}
    async with behind.http.stream("GET", "/v1/client/events", headers=headers) as stream, asyncio.timeout(15):
        lines = stream.aiter_lines()
        assert await _next_data(lines)
        held = asyncio.create_task(behind.curl(bash(DROP)))
        assert (await _next_data(lines))["schemaVersion"]
        [ask] = await cloud.pending_asks(machine=behind)
        await (await cloud.owner()).answer(ask, "deny", guidance="")
        assert (await held).is_deny


async def test_no_token_is_in_a_log_of_the_proxy(proxy: Nginx, behind: Machine) -> None:
    """Neither that of a hook nor that of a link."""
    await behind.curl(bash("git status"))
    await behind.http.get("/claim/olc_planted-link-token")
    async with asyncio.timeout(5):
        while "/..." not in proxy.said:  # noqa: ASYNC110 - nginx writes when it wants
            await asyncio.sleep(0.02)
    assert "/v1/hooks/claude/PreToolUse" in proxy.said
    assert not [word for word in ("user_token", behind.token, "planted-link") if word in proxy.said]


async def test_while_the_service_is_down_the_proxy_denies_in_each_agents_words(tmp_path: Path) -> None:
    """What every dialect says before a tool, with status 200; the error log has no token either."""
    token = "ol_" + "x" * 43
    with nginx(tmp_path, f"127.0.0.1:{free_port()}") as proxy:
        context = ssl.create_default_context(cafile=str(proxy.authority))
        async with httpx.AsyncClient(base_url=proxy.url, verify=context, trust_env=False) as http:
            for agent in PUBLISHED:
                path = f"/v1/hooks/{agent}/PreToolUse?{urlencode({'user_token': token})}"
                answer = await http.post(path, json=bash("git status"))
                expected = dialects.deny(agent, "PreToolUse", "OpenLeash cannot be reached")
                assert (answer.status_code, answer.json()) == (200, expected), agent
                assert answer.headers["content-type"] == "application/json"
        assert "/v1/hooks/claude/PreToolUse" in proxy.said
        assert token not in proxy.said


def test_the_proxy_waits_longer_than_the_service_and_the_agents() -> None:
    """Whoever gives up first answers: that must be the service, for it alone denies."""
    assert seconds("proxy_read_timeout") > max(HOST_GIVES_UP_SECONDS, Hooks().hold_seconds + AFTER_HOLD_SECONDS)
    assert seconds("client_body_timeout") > BODY_SECONDS
    assert seconds("proxy_send_timeout") > BODY_SECONDS


def test_the_block_for_caddy_denies_in_the_same_words() -> None:
    """Each agent's path has one answer, which is its dialect's deny; nothing is limited or redirected."""
    caddy = block("caddyfile")
    matchers = dict(re.findall(r"@(\w+) path_regexp (\S+)", caddy))
    for agent in PUBLISHED:
        (name,) = [name for name, path in matchers.items() if re.search(path, f"/v1/hooks/{agent}/PreToolUse")]
        (said,) = re.findall(rf"respond @{name} `(.*)` 200", caddy)
        assert json.loads(said) == dialects.deny(agent, "PreToolUse", "OpenLeash cannot be reached"), agent
    assert "auto_https disable_redirects" in caddy
    assert not re.search("request_body|read_timeout|response_header_timeout", caddy)


async def _next_data(lines: AsyncIterator[str]) -> dict[str, str]:
    async for line in lines:
        if line.startswith("data:"):
            found: dict[str, str] = json.loads(line.removeprefix("data:"))
            return found
    raise AssertionError("the stream has ended")
