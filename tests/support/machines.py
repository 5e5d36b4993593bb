"""An enrolled machine whose agents call hooks, in this process or through the real curl."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import urlencode

import httpx

from appliance.database.identifiers import uuid7

_numbers = count()


def bash(command: str, *, session: str = "s-88", use: str = "", project: str = "/src/billing") -> dict[str, Any]:
    """What Claude Code sends before it runs a command; `use` is its tool_use_id, a new one if left out."""
    return {
        "session_id": session, "transcript_path": f"/home/ida/{session}.jsonl", "cwd": project,
        "permission_mode": "bypassPermissions", "hook_event_name": "PreToolUse", "tool_name": "Bash",
        "tool_input": {"command": command}, "tool_use_id": use or f"toolu_{next(_numbers)}_{uuid7().hex}",
    }  # fmt: skip


def codex_bash(command: str, *, session: str = "s-99") -> dict[str, Any]:
    """What Codex sends before it runs a command."""
    sent = {**bash(command, session=session), "turn_id": "t-1", "model": "gpt-5", "transcript_path": None}
    return {**sent, "tool_use_id": f"call_{next(_numbers)}"}


@dataclass(frozen=True)
class Answer:
    """What an agent reads.

    Attributes:
        exit_code: curl's; 0 for calls of this process.
    """

    status: int
    body: dict[str, Any]
    seconds: float = 0.0
    exit_code: int = 0

    @property
    def is_allow(self) -> bool:
        """Whether the agent goes on (Claude Code's and Codex's words)."""
        specific = self.body.get("hookSpecificOutput", {})
        decision = specific.get("permissionDecision")
        if self.status != 200 or decision is not None:
            return self.status == 200 and decision == "allow"
        told = {name: value for name, value in self.body.items() if name != "hookSpecificOutput"}
        return told in ({}, {"continue": True}) and (not specific or "updatedToolOutput" in specific)

    @property
    def is_deny(self) -> bool:
        """Whether the agent is told in its own words to stop."""
        specific = self.body.get("hookSpecificOutput", {})
        is_blocked = self.body.get("decision") == "block" or self.body.get("continue") is False
        return self.status == 200 and (specific.get("permissionDecision") == "deny" or is_blocked)

    @property
    def reason(self) -> str:
        """The words for the agent."""
        specific = self.body.get("hookSpecificOutput", {})
        said = specific.get("permissionDecisionReason") or self.body.get("reason") or self.body.get("stopReason")
        return str(said or "")


@dataclass(frozen=True)
class Machine:
    """An enrolled machine."""

    http: httpx.AsyncClient = field(repr=False)
    token: str = field(repr=False)
    id: str
    hostname: str

    def path(self, agent: str = "claude", event: str = "PreToolUse") -> str:
        """The hook's path with the query that the published hooks add."""
        query = {
            "user_token": self.token, "hostname": self.hostname, "platform": "darwin", "os_release": "24.5.0",
            "client_version": "0.36.58",
        }  # fmt: skip
        return f"/v1/hooks/{agent}/{event}?{urlencode(query)}"

    async def call(self, body: object, agent: str = "claude", event: str = "PreToolUse") -> Answer:
        """One hook call from this process; `body` is JSON, or bytes as they are.

        Raises:
            httpx.HTTPError: no answer came.
        """
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        clock = asyncio.get_running_loop().time
        started = clock()
        reply = await self.http.post(self.path(agent, event), content=content)
        return Answer(reply.status_code, reply.json(), clock() - started)

    async def run(self, command: str, **more: str) -> Answer:
        """Claude Code asks whether it may run a command."""
        return await self.call(bash(command, **more))

    async def curl(
        self, body: object, agent: str = "claude", event: str = "PreToolUse", headers: tuple[str, ...] = ()
    ) -> Answer:
        """The published hook: curl, word for word, with the body on its standard input."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        process = await self.start_curl(agent, event, headers)
        clock = asyncio.get_running_loop().time
        started = clock()
        out, err = await process.communicate(content)
        return _answered(out, err, process.returncode or 0, clock() - started)

    async def start_curl(
        self, agent: str = "claude", event: str = "PreToolUse", headers: tuple[str, ...] = ()
    ) -> asyncio.subprocess.Process:
        """The published hook's curl, which waits for its body."""
        extra = [word for header in headers for word in ("-H", header)]
        url = f"{self.http.base_url}".rstrip("/") + self.path(agent, event)
        return await asyncio.create_subprocess_exec(
            "curl", "-sS", "--fail-with-body", "-X", "POST", url, "-H", "content-type: application/json", *extra,
            "--data-binary", "@-", "-w", "\n%{http_code}",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip


@asynccontextmanager
async def held(machine: Machine, *bodies: dict[str, Any]) -> AsyncIterator[list[asyncio.Task[Answer]]]:
    """Calls under way, one task each; what is still held at the end is hung up."""
    calls = [asyncio.create_task(machine.call(body)) for body in bodies]
    try:
        yield calls
    finally:
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)


def _answered(out: bytes, err: bytes, code: int, seconds: float) -> Answer:
    text, _, status = out.decode().rpartition("\n")
    assert status.isdecimal(), (out, err, code)
    return Answer(int(status), json.loads(text) if text else {}, seconds, code)
