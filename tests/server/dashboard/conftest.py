"""A real application on a real database, and browsers of people with different roles."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from httpx import Response

from appliance.bootstrap import Appliance, build_appliance
from appliance.clock import utc_now
from appliance.config import Config
from appliance.config.sections import Server, State
from appliance.identity.records import Role
from server.app import create_app
from server.authentication import csrf_token, session_cookie_name
from tests.support.people import Someone, make_owner, make_person
from tests.support.postgres import TestDatabase
from tests.support.web import WebClient, running

ORIGIN = "https://testserver.local"
HTML = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin", "Origin": ORIGIN}
Browse = Callable[[Someone | None], Awaitable["Browser"]]


class Browser:
    """A signed-in (or anonymous) browser that sends what our own pages send."""

    def __init__(self, client: WebClient, csrf: str) -> None:
        self.client = client
        self.csrf = csrf

    async def get(self, path: str, **headers: str) -> Response:
        """Visit a page."""
        return await self.client.get(path, headers={**HTML, **headers}, follow_redirects=False)

    async def post(self, path: str, **fields: str) -> Response:
        """Send a form with its token."""
        data = {"csrf_token": self.csrf, **fields}
        return await self.client.post(path, data=data, headers=HTML, follow_redirects=False)


@pytest.fixture
async def appliance(committed_database: TestDatabase, tmp_path: Path) -> Appliance:
    """The appliance on the test database."""
    config = Config(server=Server(public_url=ORIGIN), state=State(directory=tmp_path))
    return await build_appliance(config, committed_database.service_url, utc_now)


@pytest.fixture
async def client(appliance: Appliance) -> AsyncIterator[WebClient]:
    """The running application, with its decision road."""
    async with running(create_app(appliance.config, appliance), ORIGIN) as web:
        yield web


@pytest.fixture
async def browse(appliance: Appliance, client: WebClient) -> AsyncIterator[Browse]:
    """Makes browsers; each one replaces the cookies of the one before."""
    async with AsyncExitStack():

        async def make(someone: Someone | None) -> Browser:
            client.cookies.clear()
            if someone is None:
                return Browser(client, "")
            client.cookies.set(session_cookie_name(appliance.config.instance_name), someone.token)
            signed_in: Any = await appliance.identity.sessions.authenticate(someone.token, utc_now())
            return Browser(client, csrf_token(appliance.identity.csrf_key, signed_in.session_id))

        yield make


@pytest.fixture
async def owner(appliance: Appliance) -> Someone:
    """The owner."""
    return await make_owner(appliance.identity, utc_now())


@pytest.fixture
async def member(appliance: Appliance) -> Someone:
    """Somebody with the role member only."""
    return await make_person(appliance.identity, Role.MEMBER, "mia@example.org", utc_now())
