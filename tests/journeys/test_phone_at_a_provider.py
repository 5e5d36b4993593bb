"""A phone signs in through a real OpenID Connect provider, and is out when its person signs out there."""

import asyncio
import html
import re
import time
from pathlib import Path

import httpx
import pytest

from tests.support.oidc_provider import SECRET, ProviderBrowser, oidc_provider
from tests.support.people import ledger_events
from tests.support.phone import Phone, form_token_of, link_of
from tests.support.postgres import TestDatabase
from tests.support.processes import free_port
from tests.support.served import environ_of, served
from tests.support.visitor import Visitor

OUT_SECONDS_MAX = 60.0


async def _led_in(phone: Phone, browser: Visitor, there: ProviderBrowser) -> str:
    """The system's browser: our page, the provider's form, our one button; the address that leads back to the app."""
    path = (await phone.start()).removeprefix(browser.url)
    asked = await browser.send("GET", path)
    assert asked.status_code == 303, "nobody is signed in in this browser"
    offered = await browser.page(asked.headers["location"])
    way = re.search(r'href="(/auth/oidc/op/begin[^"]*)"', offered)
    assert way, offered
    leaving = await browser.send("GET", html.unescape(way[1]))
    back = await there.follow(leaving.headers["location"])
    arrived = await browser.send("GET", back.removeprefix(browser.url))
    assert (arrived.status_code, arrived.headers["location"]) == (303, path)
    page = await browser.page(path)
    assert "Continue as Ida Rhodes" in page
    form = {"csrf_token": form_token_of(page), "flow": path.partition("flow=")[2]}
    return link_of((await browser.send("POST", "/auth/app", **form)).text)


async def test_a_phone_comes_in_by_the_provider_and_goes_out_with_it(
    committed_database: TestDatabase, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the tap to the token; after the sign-out at the provider the token is dead."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with oidc_provider(tmp_path, url, backchannel=port) as provider:
        described = {
            "LABEL": "Example staff",
            "ISSUER": provider.issuer,
            "CLIENT_ID": "leash",
            "CLIENT_SECRET": SECRET,
            "SCOPES": "openid,profile,email,groups",
            "ALLOW_PRIVATE_ADDRESSES": "true",
        }
        settings = {f"LEASH_PROVIDERS__OP__{name}": value for name, value in described.items()}
        environ = environ_of(committed_database, tmp_path, LEASH_SERVER__PORT=str(port), **settings)
        async with served("server", tmp_path, environ) as server, httpx.AsyncClient(trust_env=False) as http:
            await server.until("listening")
            phone, browser = Phone(http, url), Visitor(url, "ida@example.org")
            offered = [(way["type"], way["label"]) for way in (await phone.bootstrap())["providers"]]
            assert ("oidc", "Example staff") in offered
            there = ProviderBrowser("ida", url)
            try:
                reply = await phone.opened(await _led_in(phone, browser, there))
                assert reply is not None
                assert reply.json()["user"]["email"] == "ida@example.org"
                assert await _is_in(http, url, phone)
                form_token = form_token_of(await browser.page("/account"))
                leaving = await browser.send("POST", "/sign-out", csrf_token=form_token)
                began = time.monotonic()
                await there.follow(_way_out(leaving))
                while await _is_in(http, url, phone):
                    assert time.monotonic() - began < OUT_SECONDS_MAX
                    await asyncio.sleep(0.05)
            finally:
                await there.close()
            with capsys.disabled():
                print(f"\nphone refused {time.monotonic() - began:.2f} s after the sign-out at its provider began")  # noqa: T201 - measured
    events = await ledger_events()
    assert (events["sign_in.succeeded"], events["provider_logout.received"]) == (2, 1)


def _way_out(leaving: httpx.Response) -> str:
    """Where the page that says good-bye leads."""
    found = re.search(r'href="(http[^"]+/session/end[^"]*)"', leaving.text)
    assert found, leaving.text
    return html.unescape(found[1])


async def _is_in(http: httpx.AsyncClient, url: str, phone: Phone) -> bool:
    reply = await http.get(f"{url}/v1/account", headers={"authorization": f"Bearer {phone.token}"})
    assert reply.status_code in {200, 401}, reply.text
    return reply.status_code == 200
