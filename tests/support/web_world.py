"""A running application with people and a machine, shared by the tests of one module."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec

from appliance.agents.records import DeploymentTerms, EnrolmentRequest
from appliance.agents.service import create_deployment_token, enroll
from appliance.approvals.queries import pending_asks
from appliance.approvals.records import Ask
from appliance.bootstrap import Appliance, Road, build_appliance
from appliance.clock import utc_now
from appliance.config import Config
from appliance.config.sections import Api, Server, State
from appliance.database.connection import connect, current_connection, disconnect
from appliance.database.transaction import transaction
from appliance.identity.records import Role, SessionKind
from server.app import create_app
from server.authentication import csrf_token, session_cookie_name
from tests.support.people import HERE, OPERATOR, Someone, make_owner, make_person
from tests.support.postgres import TestPostgres
from tests.support.web import WebClient, running

ORIGIN = "https://leash.example.org"
# So high that no test meets a limit which it did not set.
WIDE_OPEN = Api(requests_per_second=100_000, burst=1_000_000)


@dataclass(frozen=True)
class World:
    """Everything that a test of the web application needs."""

    appliance: Appliance
    client: WebClient
    owner: Someone
    member: Someone
    machine_token: str

    @property
    def road(self) -> Road:
        """The decision road of the application."""
        road: Road = self.client.app.state.road
        return road

    async def as_script(self, who: Someone, method: str, path: str, body: object = None) -> httpx.Response:
        """A request with a bearer token."""
        return await self.client.request(
            method, path, headers={"authorization": f"Bearer {who.token}"}, json=body, follow_redirects=False
        )

    async def as_browser(
        self, who: Someone, method: str, path: str, headers: dict[str, str] | None = None, *,
        data: dict[str, str] | None = None, json: object = None,
    ) -> httpx.Response:  # fmt: skip
        """A request with a session cookie and what a browser tells of our own pages; without the form token."""
        name = session_cookie_name(self.appliance.config.instance_name)
        told = {"cookie": f"{name}={who.token}", "origin": ORIGIN, "sec-fetch-site": "same-origin"}
        return await self.client.request(
            method, path, headers={**told, **(headers or {})}, follow_redirects=False, data=data, json=json
        )

    async def csrf(self, who: Someone) -> str:
        """The form token of somebody's session."""
        signed_in = await self.appliance.identity.sessions.authenticate(who.token, utc_now())
        assert signed_in
        return csrf_token(self.appliance.identity.csrf_key, signed_in.session_id)

    async def keep_as(self, token: str, kind: SessionKind) -> None:
        """Make a session one of another kind; those of the world's people are a script's."""
        signed_in = await self.appliance.identity.sessions.authenticate(token, utc_now())
        assert signed_in
        async with transaction():
            await current_connection().execute(
                "UPDATE session SET kind = $2 WHERE id = $1", signed_in.session_id, kind.value
            )
        self.appliance.identity.sessions.forget()

    async def app_session(self, who: Someone) -> str:
        """The token of a session that somebody has just begun in an app."""
        async with transaction():
            begun = await self.appliance.identity.sessions.begin(who.id, SessionKind.DEVICE, HERE, utc_now())
        return begun.token

    async def hook(
        self, body: object, *, agent: str = "claude", event: str = "PreToolUse", token: str | None = None,
        query: str = "", headers: dict[str, str] | None = None,
    ) -> httpx.Response:  # fmt: skip
        """One hook call; `body` is JSON, or bytes as they are."""
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        carried = self.machine_token if token is None else token
        path = f"/v1/hooks/{agent}/{event}?user_token={carried}{query}"
        return await self.client.post(path, content=content, headers=headers)

    async def pending(self) -> Ask:
        """The newest ask that waits."""
        return (await pending_asks(utc_now()))[-1]


@asynccontextmanager
async def web_world(
    postgres: TestPostgres,
    place: Path,
    **sections: Any,  # noqa: ANN401 - structs, and mappings of those
) -> AsyncIterator[World]:
    """A world on a database of its own; `sections` are those of the configuration that differ."""
    settings: dict[str, Any] = {
        "server": Server(public_url=ORIGIN),
        "api": WIDE_OPEN,
        "state": State(directory=place),
        **sections,
    }
    async with postgres.database() as database:
        await connect(database.service_url)
        try:
            appliance = await build_appliance(Config(**settings), database.service_url, utc_now)
            async with running(create_app(appliance.config, appliance), ORIGIN) as client:
                yield await _peopled(appliance, client)
        finally:
            await disconnect()


async def _peopled(appliance: Appliance, client: WebClient) -> World:
    made = await create_deployment_token(OPERATOR, DeploymentTerms(name="Laptops"), now=utc_now())
    request = EnrolmentRequest(
        deployment_token=made.token, hostname="laptop-1", platform="linux", email="mia@example.org"
    )
    machine = await enroll(request, now=utc_now())
    return World(
        appliance=appliance,
        client=client,
        owner=await make_owner(appliance.identity, utc_now()),
        member=await make_person(appliance.identity, Role.MEMBER, "mia@example.org", utc_now()),
        machine_token=machine.token,
    )


def reason_of(reply: httpx.Response) -> str:
    """The words of Claude Code's native deny before a tool; fails for everything else."""
    assert reply.status_code == 200, reply.text
    said = reply.json()["hookSpecificOutput"]
    assert said["permissionDecision"] == "deny", said
    return str(said["permissionDecisionReason"])
