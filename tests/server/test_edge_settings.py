"""What the settings of a server change: addresses that are believed, sizes, rates, plain http."""

from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from appliance.config.sections import Api, Server
from tests.support.postgres import TestPostgres
from tests.support.web import WebClient
from tests.support.web_world import ORIGIN, World, web_world

KILOBYTE = 1024


async def test_plain_http_on_loopback_is_not_made_https_for_ever(
    postgres: TestPostgres, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Strict-Transport-Security is sent by an https installation only."""
    async with web_world(postgres, tmp_path_factory.mktemp("state"), server=Server()) as plain:
        reply = await plain.client.get("/health/live", headers={"host": "127.0.0.1:9318"})
        assert reply.status_code == 200
        assert "strict-transport-security" not in reply.headers


async def test_behind_a_trusted_proxy_the_last_foreign_address_counts(
    postgres: TestPostgres, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What the client itself wrote into X-Forwarded-For stands before what our proxy adds, and is not believed."""
    server = Server(public_url=ORIGIN, trusted_proxies=("192.0.2.0/24", "10.0.0.0/8"))
    async with web_world(postgres, tmp_path_factory.mktemp("state"), server=server) as world:
        for told, expected in (
            ("198.51.100.1", "198.51.100.1"),
            ("127.0.0.1, 198.51.100.1, 10.1.1.1", "198.51.100.1"),
            ("garbage", "192.0.2.7"),
            ("", "192.0.2.7"),
        ):
            with capture_logs() as lines:
                await world.client.get("/sign-in", headers={"x-forwarded-for": told})
            assert lines[-1]["address"] == expected, told
        with capture_logs() as lines:
            async with WebClient(world.client.app, ORIGIN, address="203.0.113.9") as stranger:
                await stranger.get("/sign-in", headers={"x-forwarded-for": "198.51.100.1"})
        assert lines[-1]["address"] == "203.0.113.9"


async def test_too_large_a_request_is_refused(postgres: TestPostgres, tmp_path_factory: pytest.TempPathFactory) -> None:
    """By its announced length before it is read, and by its real one."""
    api = Api(request_bytes_max=16 * KILOBYTE, requests_per_second=1000, burst=1000)
    async with web_world(postgres, tmp_path_factory.mktemp("state"), api=api) as world:
        large = {"text": "x" * 17 * KILOBYTE}
        announced = await world.as_script(world.owner, "POST", "/v1/policies/validate", large)
        assert (announced.status_code, announced.json()["code"]) == (413, "request_too_large")

        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(20):
                yield b" " * KILOBYTE

        headers = {"authorization": f"Bearer {world.owner.token}"}
        unannounced = await world.client.post("/v1/policies/validate", content=pieces(), headers=headers)
        assert (unannounced.status_code, unannounced.json()["code"]) == (413, "request_too_large")
        odd = await world.client.post("/v1/policies/validate", headers={**headers, "content-length": "12x"})
        assert odd.status_code == 400


async def test_whoever_sends_too_much_waits(postgres: TestPostgres, tmp_path_factory: pytest.TempPathFactory) -> None:
    """429 with Retry-After, per session, machine and address, and each has a limit of its own."""
    api = Api(requests_per_second=0.5, burst=3)
    async with web_world(postgres, tmp_path_factory.mktemp("state"), api=api) as world:
        strangers = [await world.client.get("/sign-in") for _ in range(5)]
        assert [reply.status_code for reply in strangers] == [200, 200, 200, 429, 429]
        assert 1 <= int(strangers[-1].headers["retry-after"]) <= 4
        assert strangers[-1].json()["code"] == "rate_limited"
        assert await _statuses(world, world.owner.token, 4) == [200, 200, 200, 429]
        assert await _statuses(world, world.member.token, 1) == [200]
        # All desktops of an office come from one address, which is used up here.
        assert await _statuses(world, world.machine_token, 4, "/v1/plugins") == [200, 200, 200, 429]
        assert await _statuses(world, "ol_" + "A" * 43, 1, "/v1/plugins") == [429]
        assert (await world.client.get("/health/live")).status_code == 200


async def _statuses(world: World, token: str, count: int, path: str = "/v1/account") -> list[int]:
    headers = {"authorization": f"Bearer {token}"}
    return [(await world.client.get(path, headers=headers)).status_code for _ in range(count)]
