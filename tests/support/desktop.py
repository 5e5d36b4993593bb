"""The published desktop as its server sees it: headers, bodies, and what it reads (desktop-client 0.36.58)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.support.contract import VERSIONS

AGENTS = [
    {"kind": "claude-code", "displayName": "Claude Code", "executablePath": "/usr/local/bin/claude"},
    {"kind": "codex", "displayName": "OpenAI Codex"},
]


class Desktop:
    """One desktop, from its enrolment by a signed-in person to what it polls."""

    def __init__(self, http: httpx.AsyncClient, hostname: str = "ida-mbp") -> None:
        """Not enrolled yet."""
        self._http = http
        self.hostname = hostname
        self.token = ""
        self.installed: set[str] = set()

    async def call(
        self, function: str, method: str, path: str, body: object = None, *, token: str | None = None
    ) -> httpx.Response:
        """One request; some functions are sent without the headers."""
        headers = {"authorization": f"Bearer {self.token if token is None else token}"}
        if function:
            headers |= {"x-openleash-api-function": function, "x-openleash-api-version": VERSIONS[function]}
        return await self._http.request(method, path, headers=headers, json=body)

    @property
    def machine(self) -> dict[str, Any]:
        """What it says of its machine."""
        return {"hostname": self.hostname, "platform": "darwin", "osRelease": "24.5.0", "clientVersion": "0.36.58"}

    async def enroll(self, session: str) -> dict[str, Any]:
        """After the sign-in, with the session's token; from then on it uses the token that it gets."""
        reply = await self.call(
            "desktopEnroll", "POST", "/v1/desktop/enroll", {**self.machine, "agents": AGENTS}, token=session
        )
        assert reply.status_code == 201, reply.text
        told: dict[str, Any] = reply.json()
        self.token = told["token"]
        return told

    async def tell_of_agents(self) -> httpx.Response:
        """Tell of its agents, then install the hooks that the state wants and take away those that it does not.

        Returns the answer to what it told.
        """
        agents = [{**agent, "installed": True, "protected": True, "detail": "hooks"} for agent in AGENTS]
        told = await self.call("desktopEnroll", "POST", "/v1/desktop/agents", {**self.machine, "agents": agents})
        assert told.status_code == 200, told.text
        state = (await self.call("mobileState", "GET", "/v1/mobile/state")).json()
        for agent in state["agents"]:
            wanted = agent.get("desired_monitored")
            assert wanted in {True, False, None}, agent
            if wanted is not None:
                (self.installed.add if wanted else self.installed.discard)(agent["kind"])
        return told

    async def poll(self) -> dict[str, Any]:
        """What it asks every three seconds and at each event."""
        reply = await self.call("clientNotifications", "GET", "/v1/client/notifications")
        assert reply.status_code == 200, reply.text
        told: dict[str, Any] = reply.json()
        for member in ("pendingApprovals", "attentionEvents", "recentActivity", "islandContributions"):
            assert isinstance(told[member], list), member
        return told

    @asynccontextmanager
    async def frames(self) -> AsyncIterator[AsyncIterator[str]]:
        """The live stream in pieces that end with a blank line, which it waits for."""
        headers = {"accept": "text/event-stream", "authorization": f"Bearer {self.token}"}
        async with self._http.stream("GET", "/v1/client/events", headers=headers) as reply:
            assert reply.status_code == 200, reply.status_code
            yield _pieces(reply)


async def _pieces(reply: httpx.Response) -> AsyncIterator[str]:
    rest = ""
    async for text in reply.aiter_text():
        *whole, rest = (rest + text).split("\n\n")
        for piece in whole:
            yield piece
