"""What providers need is loaded for them alone."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import httpx

from appliance.clock import utc_now
from appliance.identity.provisioning.tokens import create_token
from tests.support.people import OPERATOR
from tests.support.postgres import TestDatabase
from tests.support.served import environ_of, served


def test_an_installation_without_providers_loads_no_scim_library() -> None:
    """Neither the models nor what they stand on: 13 MB of each process."""
    names = "('scim2_models', 'pydantic', 'pydantic_core', 'lark')"
    tell = f"import server.__main__, sys; print([n for n in {names} if n in sys.modules])"
    words = [sys.executable, "-P", "-c", tell]
    done = subprocess.run(words, capture_output=True, text=True, check=True)  # noqa: S603 - our own modules
    assert done.stdout.strip() == "[]"


async def test_others_are_answered_while_it_is_loaded(committed_database: TestDatabase, tmp_path: Path) -> None:
    """A stranger loads nothing; a provider's first request waits, and nobody else does for long."""
    made = await create_token(OPERATOR, provider="entra", name="First", days=1, now=utc_now())
    environ = environ_of(committed_database, tmp_path, LEASH_SERVER__WORKERS="1", LEASH_API__BURST="100000")
    url = f"http://127.0.0.1:{environ['LEASH_SERVER__PORT']}"
    async with served("server", tmp_path, environ) as server, httpx.AsyncClient(base_url=url, timeout=30) as client:
        await server.until("server.listening")
        stranger = await client.get("/scim/v2/Schemas", headers={"authorization": f"Bearer olp_{'A' * 43}"})
        assert stranger.status_code == 401
        headers = {"authorization": f"Bearer {made.token}"}
        first = asyncio.create_task(client.get("/scim/v2/Schemas", headers=headers))
        slowest = await _slowest(client, first)
        assert (await first).status_code == 200
    assert slowest < 0.5  # the import takes a second or more, which none of them waits for


async def _slowest(client: httpx.AsyncClient, until: "asyncio.Task[httpx.Response]") -> float:
    """The longest that anybody else waits for an answer meanwhile, in seconds."""
    slowest = 0.0
    while not until.done():
        began = time.perf_counter()
        assert (await client.get("/health/live")).status_code == 200
        slowest = max(slowest, time.perf_counter() - began)
    return slowest
