"""The running application with a provider, and browsers that go back and forth between both."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from appliance.bootstrap import Appliance, build_appliance
from appliance.clock import utc_now
from appliance.config import Config
from appliance.config.sections import Api, Server, State
from appliance.config.sign_in import Provider
from appliance.database.connection import connect, disconnect
from appliance.identity.records import SignedIn
from server.app import create_app
from server.authentication import csrf_token, provider_cookie_name, session_cookie_name
from tests.support.http_stub import Writer, http_stub
from tests.support.postgres import TestPostgres
from tests.support.web import WebClient, running

ORIGIN = "https://leash.example.org"
HTML = {"accept": "text/html"}


class OidcWorld:
    """Everything that a test of sign-in through a provider needs."""

    def __init__(self, appliance: Appliance, client: WebClient) -> None:
        """The clock can be set forward."""
        self.appliance = appliance
        self.client = client

    async def signed_in(self, browser: "Browser") -> SignedIn | None:
        """Whose live session a browser has."""
        return await self.appliance.identity.sessions.authenticate(browser.token, self.appliance.clock())


class Browser:
    """A person's browser at our service."""

    def __init__(self, world: OidcWorld) -> None:
        """It has no cookies."""
        self._world = world
        self.cookies: dict[str, str] = {}

    async def send(self, method: str, address: str, **form: str) -> httpx.Response:
        """One request with its cookies, as by a page of ours or a link of somebody else's."""
        path = address.removeprefix(ORIGIN)
        headers = {**HTML, "cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if method == "POST":
            headers |= {"origin": ORIGIN, "sec-fetch-site": "same-origin"}
        self._world.client.cookies.clear()
        reply = await self._world.client.request(method, path, headers=headers, data=form or None)
        for line in reply.headers.get_list("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value.strip('"')
            if not self.cookies[name]:
                del self.cookies[name]
        return reply

    async def begin(self, name: str = "op", query: str = "", *, verb: str = "begin") -> str:
        """Where the provider's button leads."""
        reply = await self.send("GET", f"/auth/oidc/{name}/{verb}{query}")
        assert reply.status_code == 303, reply.text
        return str(reply.headers["location"])

    @property
    def token(self) -> str | None:
        """Its session."""
        return self.cookies.get(session_cookie_name(self._world.appliance.config.instance_name))

    @property
    def errand(self) -> str | None:
        """What binds its errands at providers to it."""
        return self.cookies.get(provider_cookie_name(self._world.appliance.config.instance_name))

    async def sign_out(self) -> httpx.Response:
        """Press the button."""
        signed_in = await self._world.signed_in(self)
        assert signed_in
        token = csrf_token(self._world.appliance.identity.csrf_key, signed_in.session_id)
        return await self.send("POST", "/sign-out", csrf_token=token)


class Clock:
    """The real time, and what a test adds to it."""

    def __init__(self) -> None:
        """Right."""
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        """This moment."""
        return utc_now() + self.ahead


@asynccontextmanager
async def oidc_world(
    postgres: TestPostgres, place: Path, providers: Mapping[str, Provider], clock: Clock | None = None
) -> AsyncIterator[OidcWorld]:
    """A world on a database of its own."""
    api = Api(requests_per_second=100_000, burst=1_000_000)
    sections: dict[str, Any] = {"server": Server(public_url=ORIGIN), "api": api, "state": State(directory=place)}
    async with postgres.database() as database:
        await connect(database.service_url)
        try:
            config = Config(**sections, providers=providers)
            appliance = await build_appliance(config, database.service_url, clock or utc_now)
            async with running(create_app(config, appliance), ORIGIN) as client:
                yield OidcWorld(appliance, client)
        finally:
            await disconnect()


@asynccontextmanager
async def relayed(world: OidcWorld, port: int) -> AsyncIterator[list[int]]:
    """What a provider posts to a port of this machine arrives at the application; the statuses of its answers."""
    statuses: list[int] = []

    async def answer(head: str, body: bytes, writer: Writer) -> None:
        path = head.split(" ", 2)[1]
        kind = {"content-type": "application/x-www-form-urlencoded"}
        world.client.cookies.clear()
        reply = await world.client.post(path, content=body, headers=kind)
        statuses.append(reply.status_code)
        writer.write(f"HTTP/1.1 {reply.status_code} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()

    async with http_stub(answer, port=port):
        yield statuses
