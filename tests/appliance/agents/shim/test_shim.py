"""Our shim against services that answer well or badly, beside the hooks of the published installers."""

import asyncio
import json
import os
import shutil
from pathlib import Path

import pytest

from appliance.agents import dialects
from appliance.agents.shim.release import SHIM_RELEASE
from tests.support.http_stub import Writer, http_stub, reply
from tests.support.pretended_agents import CLAUDE_MANAGED, TOOL_RUNS, Ended
from tests.support.shims import SECONDS, SHORT_SECONDS, TOKEN, Place, answers, place, secured

BEFORE = "PreToolUse"
AGENTS = [agent for agent in dialects.DIALECTS if BEFORE in dialects.DIALECTS[agent].events]
FAULTS = [*answers(b""), "down", "unknown authority", "wrong host", "expired"]
# After these the agents go on that take every failure of a hook but exit 2 for a mishap, and an empty answer for none.
GO_ON_AFTER_FAILURES = {"claude", "nanoclaw", "codex", "gemini", "cursor", "vscode"}
# What curl takes for a success; agents that deny after a failure of the hook then go on as well.
TAKEN_FOR_SUCCESS = {"redirect", "redirect with words", "empty", "no content", "portal", "portal in disguise"}
GO_ON_WITHOUT_WORDS = {"copilot"}
# All that a machine needs where wget takes the place of curl.
PROGRAMS = (
    "cat", "head", "id", "ls", "mktemp", "printf", "rm", "sed", "sha256sum", "tail", "test", "timeout", "tr", "wget",
)  # fmt: skip


def allow_of(agent: str) -> bytes:
    """The service's own allow."""
    return json.dumps(dialects.allow(agent, BEFORE, "Allowed.")).encode()


def seconds_of(fault: str) -> int:
    """How long a hook waits under a fault."""
    return SHORT_SECONDS if fault == "slow" else SECONDS


@pytest.mark.parametrize("shell", ["dash", "bash"])
@pytest.mark.parametrize("agent", AGENTS)
async def test_a_healthy_service_is_obeyed(agent: str, shell: str, tmp_path: Path) -> None:
    """Over TLS with an authority of its own: allow and deny come through as they are, the body as it was sent."""
    sent, body = [], b'{"a": "$(touch x) `id` \\u0000 %s \\\\n",\r\n "b": "\xc3\xa4"}\n\n'
    texts = [allow_of(agent), json.dumps(dialects.deny(agent, BEFORE, 'No "x"\\n %s $HOME ä')).encode()]

    async def answer(head: str, content: bytes, writer: Writer) -> None:
        sent.append((head, content))
        await reply(texts[len(sent) - 1])(head, content, writer)

    async with secured(tmp_path, answer, "localhost") as (stub, authority):
        there = place(tmp_path / "place", f"https://localhost:{stub.port}", authority)
        allowed = await there.ask(agent, BEFORE, body, shell=shell)
        denied = await there.ask(agent, BEFORE, body, shell=shell)
    assert [found.out for found in (allowed, denied)] == [text.decode() + "\n" for text in texts]
    assert [TOOL_RUNS[agent](found) for found in (allowed, denied)] == [True, False]
    assert [content for _head, content in sent] == [body, body]
    head = sent[0][0]
    assert head.startswith(f"POST /v1/hooks/{agent}/{BEFORE}?client_version=shim-{SHIM_RELEASE}-")
    assert f"authorization: bearer {TOKEN}".lower() in head.lower()


@pytest.mark.parametrize("agent", AGENTS)
async def test_a_healthy_service_is_obeyed_as_by_published_hooks(agent: str, tmp_path: Path) -> None:
    """The shim and curl as published say the same, and the agent does the same, on an allow and on a deny."""
    for is_allowed in (True, False):
        words = dialects.allow if is_allowed else dialects.deny
        text = json.dumps(words(agent, BEFORE, "Because."))
        async with http_stub(reply(text.encode())) as stub:
            there = place(tmp_path / str(is_allowed), f"http://127.0.0.1:{stub.port}")
            ours, theirs = await there.ask(agent, BEFORE), await there.ask_as_published(agent, BEFORE)
        assert (ours.code, theirs.code, ours.said) == (0, 0, theirs.said)
        assert TOOL_RUNS[agent](ours) == TOOL_RUNS[agent](theirs) == is_allowed


@pytest.mark.parametrize("fault", FAULTS)
async def test_nothing_runs_that_was_not_allowed(fault: str, tmp_path: Path) -> None:
    """With our shim every agent stops, whatever comes in place of an allow; with the published hooks most go on."""

    async def asked(agent: str) -> tuple[Ended, Ended]:
        async with _failing(fault, agent, tmp_path / agent) as there:
            return await asyncio.gather(there.ask(agent, BEFORE), there.ask_as_published(agent, BEFORE))

    with_shim, as_published = {}, {}
    for agent, (ours, theirs) in zip(AGENTS, await asyncio.gather(*map(asked, AGENTS)), strict=True):
        with_shim[agent], as_published[agent] = TOOL_RUNS[agent](ours), TOOL_RUNS[agent](theirs)
        assert ours.code == 0
        assert "OpenLeash could not be asked" in ours.out
    assert not any(with_shim.values()), with_shim
    known = {agent for agent, runs in as_published.items() if runs}
    expected = GO_ON_AFTER_FAILURES | (GO_ON_WITHOUT_WORDS if fault in TAKEN_FOR_SUCCESS else set())
    assert known >= expected & set(AGENTS), (fault, known)


class _failing:  # noqa: N801 - reads as a verb
    """A service with one fault, and a shim that asks it."""

    def __init__(self, fault: str, agent: str, folder: Path) -> None:
        self._fault, self._agent, self._folder = fault, agent, folder
        folder.mkdir()

    async def __aenter__(self) -> Place:
        allow, folder = allow_of(self._agent), self._folder
        if self._fault in answers(allow):
            self._server = http_stub(answers(allow)[self._fault])
            url = f"http://127.0.0.1:{(await self._server.__aenter__()).port}"
            return place(folder / "place", url, seconds=seconds_of(self._fault))
        if self._fault == "down":
            async with http_stub(reply(allow)) as gone:
                pass
            self._server = http_stub(reply(allow))
            await self._server.__aenter__()
            return place(folder / "place", f"http://127.0.0.1:{gone.port}")
        host = "elsewhere.example" if self._fault == "wrong host" else "localhost"
        secure = secured(folder, reply(allow), host, days=-1 if self._fault == "expired" else 1)
        stub, authority = await secure.__aenter__()
        self._server = secure  # type: ignore[assignment]
        trusted = None if self._fault == "unknown authority" else authority
        return place(folder / "place", f"https://localhost:{stub.port}", trusted)

    async def __aexit__(self, *_failure: object) -> None:
        await self._server.__aexit__(None, None, None)


async def test_claude_code_blocks_by_itself_with_managed_settings(tmp_path: Path) -> None:
    """`onFailure: "block"` is a second lock: also a shim that is gone or killed lets nothing run."""
    for found in (Ended(127, ""), Ended(137, ""), Ended(None, ""), Ended(22, "{}"), Ended(0, "")):
        assert not CLAUDE_MANAGED(found)
        assert TOOL_RUNS["claude"](found)


async def test_an_answer_without_end_is_cut_and_denied(tmp_path: Path) -> None:
    """Nothing beyond 32 MiB is kept."""

    async def flood(_head: str, _body: bytes, writer: Writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n{")
        for _ in range(40):
            writer.write(b'"a":' * 262_144)
            await writer.drain()

    async with http_stub(flood) as stub:
        there = place(tmp_path / "place", f"http://127.0.0.1:{stub.port}")
        found = await there.ask("claude", BEFORE)
    assert not TOOL_RUNS["claude"](found)
    assert len(found.out) < 1_000


async def test_what_the_machine_lacks_is_a_deny(tmp_path: Path) -> None:
    """No directory, no token, one that others may read, one with strange characters, an address that is none."""
    async with http_stub(reply(allow_of("claude"))) as stub:
        there = place(tmp_path / "place", f"http://127.0.0.1:{stub.port}")
        token, endpoint = there.folder / "token", there.folder / "endpoint"
        assert TOOL_RUNS["claude"](await there.ask("claude", BEFORE))
        reasons = []
        for file, content, mode in [
            (token, TOKEN, 0o644), (token, TOKEN, 0o640), (token, "", 0o600), (token, 'x"\nurl = "y', 0o600),
            (token, "$(id)", 0o600), (endpoint, "http://leash.example.org", 0o644), (endpoint, "", 0o644),
            (endpoint, "https://", 0o644), (endpoint, 'https://x/"\nproxy = "y', 0o644), (endpoint, "file:///x", 0o644),
        ]:  # fmt: skip
            before = file.read_text(), file.stat().st_mode
            file.write_text(content)
            file.chmod(mode)
            found = await there.ask("claude", BEFORE)
            assert not TOOL_RUNS["claude"](found), (content, mode)
            reasons.append(found.out)
            file.write_text(before[0])
            file.chmod(before[1])
        assert len(stub.requests) == 1
        assert "can be read by others" in reasons[0]
        (there.folder / "tokens").mkdir()
        token.rename(there.folder / "tokens" / os.environ.get("USER", "root"))
        assert TOOL_RUNS["claude"](await there.ask("claude", BEFORE))


async def test_the_timeout_of_the_settings_is_passed_on(tmp_path: Path) -> None:
    """To the service, which holds the call as long; what is no time is a deny."""
    async with http_stub(reply(allow_of("claude"))) as stub:
        there = place(tmp_path / "place", f"http://127.0.0.1:{stub.port}")
        assert TOOL_RUNS["claude"](await there.ask("claude", BEFORE, patience="600"))
        assert "&timeout_seconds=600 HTTP" in stub.requests[0]
        for odd in ("0", "5", "060", "6000", "1e3", "-10", "10; ls", "$(id)"):
            assert not TOOL_RUNS["claude"](await there.ask("claude", BEFORE, patience=odd)), odd
        assert len(stub.requests) == 1
    async with http_stub(answers(b"")["slow"]) as stub:
        there = place(tmp_path / "slow", f"http://127.0.0.1:{stub.port}")
        found = await there.ask("gemini", BEFORE, patience="10")
    assert "did not answer in time" in found.out


async def test_the_environment_changes_nothing(tmp_path: Path) -> None:
    """Neither programs, functions, trusted authorities nor configurations of a project's making are used."""
    fakes = tmp_path / "fakes"
    fakes.mkdir()
    for program in ("curl", "cat", "head", "ls", "id", "sha256sum", "wget"):
        (fakes / program).write_text("#!/bin/sh\necho '{\"continue\":true}'\nprintf '\\n200 application/json\\n0'\n")
        (fakes / program).chmod(0o755)
    (fakes / ".curlrc").write_text('insecure\nproxy = "http://127.0.0.1:9"\n')
    lying = "() { printf '{\"continue\":true}\\n200 application/json\\n0'; }"
    async with secured(tmp_path, reply(allow_of("claude")), "localhost") as (stub, authority):
        there = place(tmp_path / "place", f"https://localhost:{stub.port}")
        env = {
            "PATH": str(fakes), "HOME": str(fakes), "CURL_HOME": str(fakes), "CURL_CA_BUNDLE": str(authority),
            "SSL_CERT_FILE": str(authority), "BASH_FUNC_curl%%": lying, "BASH_FUNC_head%%": lying,
            "BASH_FUNC_command%%": lying, "BASH_FUNC_test%%": "() { :; }", "ENV": str(fakes / "curl"), "IFS": "0",
        }  # fmt: skip
        for shell in ("/bin/dash", "/bin/bash --posix"):
            program, *options = shell.split()
            run = [*options, str(there.shim()), "claude", BEFORE, str(there.folder)]
            process = await asyncio.create_subprocess_exec(
                program, *run, env=env, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
            )
            out, _err = await process.communicate(b"{}")
            found = Ended(process.returncode, out.decode())
            assert "is not trusted" in found.out
            assert not TOOL_RUNS["claude"](found)


async def test_without_curl_it_is_wget_and_without_both_a_deny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same answers and the same denies; the token is in no command line, and nothing stays on the disk."""
    programs, loose = tmp_path / "programs", tmp_path / "loose"
    programs.mkdir()
    loose.mkdir()
    monkeypatch.setenv("TMPDIR", str(loose))
    for program in PROGRAMS:
        (programs / program).symlink_to(shutil.which(program) or "")
    async with secured(tmp_path, reply(allow_of("claude")), "localhost") as (stub, authority):
        there = place(tmp_path / "place", f"https://localhost:{stub.port}", authority)
        assert TOOL_RUNS["claude"](await there.ask("claude", BEFORE, path=str(programs)))
        assert f"Authorization: Bearer {TOKEN}" in stub.requests[0]
        (there.folder / "ca.pem").unlink()
        assert not TOOL_RUNS["claude"](await there.ask("claude", BEFORE, path=str(programs)))
    for name, answer in answers(allow_of("claude")).items():
        if name == "other type":
            continue  # wget does not tell the type; what is no object is refused all the same
        async with http_stub(answer) as stub:
            there = place(tmp_path / name, f"http://127.0.0.1:{stub.port}", seconds=seconds_of(name))
            assert not TOOL_RUNS["claude"](await there.ask("claude", BEFORE, path=str(programs))), name
    (programs / "wget").unlink()
    assert "neither curl nor GNU wget" in (await there.ask("claude", BEFORE, path=str(programs))).out
    assert not list(loose.iterdir())


async def test_a_large_call_goes_through(tmp_path: Path) -> None:
    """10 MB of a file to write, and an answer that repeats it."""
    body = json.dumps({"content": 'word "{" \\ ' * 1_000_000, "list": [{"a": {}}] * 9}).encode()
    seen = []

    async def answer(head: str, content: bytes, writer: Writer) -> None:
        seen.append(len(content))
        await reply(content)(head, content, writer)

    async with http_stub(answer) as stub:
        there = place(tmp_path / "place", f"http://127.0.0.1:{stub.port}")
        found = await there.ask("claude", BEFORE, body)
    assert (seen, found.out) == ([len(body)], body.decode() + "\n")
