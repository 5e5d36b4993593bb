"""Other people's client and conformance suite against the real server process, over real HTTP."""

import asyncio
from collections import Counter
from pathlib import Path

from scim2_tester import Status, check_server

from appliance.clock import utc_now
from appliance.identity.provisioning.tokens import create_token
from tests.support.people import OPERATOR
from tests.support.postgres import TestDatabase
from tests.support.scim import ScimClient
from tests.support.served import environ_of, served

WIDE_OPEN = {"LEASH_API__REQUESTS_PER_SECOND": "100000", "LEASH_API__BURST": "1000000", "LEASH_SERVER__WORKERS": "2"}


async def test_the_conformance_suite_passes(committed_database: TestDatabase, tmp_path: Path) -> None:
    """Every check of scim2-tester: discovery, reading, writing, PATCH of every attribute, paging, errors."""
    made = await create_token(OPERATOR, provider="entra", name="Suite", days=1, now=utc_now())
    environ = environ_of(committed_database, tmp_path, **WIDE_OPEN)
    origin = f"http://127.0.0.1:{environ['LEASH_SERVER__PORT']}"
    async with served("server", tmp_path, {**environ, "LEASH_SERVER__PUBLIC_URL": origin}) as server:
        await server.until("server.listening")
        client = ScimClient(origin, made.token)
        with client.client:
            results = await asyncio.to_thread(check_server, client)
    failed = [f"{each.title} {each.resource_type}: {each.reason}" for each in results if each.status is Status.ERROR]
    assert failed == [], "\n".join(failed)
    found = Counter(each.status for each in results)
    assert found[Status.SUCCESS] == len(results) >= 70
