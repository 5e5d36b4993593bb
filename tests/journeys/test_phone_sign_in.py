"""A phone signs in as the published app does it: over HTTP, through a browser, with a local account."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import httpx
from axe_playwright_python.async_playwright import Axe

from tests.support.browser import PHONE, browser_window
from tests.support.journey import Cloud
from tests.support.phone import Phone, form_token_of, led_in, link_of
from tests.support.visitor import PASSWORD, Visitor


async def _account(cloud: Cloud, phone: Phone) -> httpx.Response:
    return await cloud.http.get("/v1/account", headers={"authorization": f"Bearer {phone.token}"})


async def test_from_the_tap_on_sign_in_to_a_revoked_phone(cloud: Cloud) -> None:
    """Bootstrap, browser, link, token, relaunch; the person sees the phone and ends its session."""
    owner = await cloud.owner()
    async with httpx.AsyncClient(trust_env=False, timeout=20) as http:
        phone = Phone(http, f" {cloud.url}/ ")
        told = await phone.bootstrap()
        assert (told["apiUrl"], told["providers"][0]["type"]) == (cloud.url, "local")
        elsewhere = Visitor(cloud.url, owner.email)  # the phone's own browser knows nobody
        elsewhere.recovery_codes = owner.recovery_codes
        reply = await phone.opened(await led_in(cloud.url, phone, elsewhere))
        assert reply is not None
        assert reply.json()["user"]["email"] == owner.email
        assert (await _account(cloud, phone)).json()["session_kind"] == "device"
        # The relaunch, with the token that it keeps.
        assert (await phone.bootstrap())["organization"] == told["organization"]
        # A second phone of the same person leaves the first one alone; its browser is signed in already.
        second = Phone(http, cloud.url)
        second.restart()
        await second.opened(await led_in(cloud.url, second, elsewhere))
        assert [(await _account(cloud, each)).status_code for each in (phone, second)] == [200, 200]
        page = await owner.page("/account")
        assert page.count("OpenLeash app") == 2
        await owner.send("POST", "/account/sessions/revoke-others", csrf_token=form_token_of(page))
        await asyncio.sleep(0.5)  # every worker has heard of it long before: without that it would take two seconds
        assert [(await _account(cloud, each)).status_code for each in (phone, second)] == [401, 401]
        # With a dead token the relaunch still gets as far as the call that signs the app out.
        assert await phone.bootstrap()


async def test_a_code_that_was_read_by_somebody_else(cloud: Cloud) -> None:
    """Whoever comes second gets nothing, and takes from the first what the code had given."""
    owner = await cloud.owner()
    async with httpx.AsyncClient(trust_env=False, timeout=20) as http:
        thief, phone = Phone(http, cloud.url), Phone(http, cloud.url)
        code = (await led_in(cloud.url, phone, owner)).partition("code=")[2].partition("&")[0]
        assert (await thief.exchange(code)).status_code == 200
        assert (await phone.exchange(code)).status_code == 401
        assert phone.shown.startswith("This code does not work")
        await asyncio.sleep(0.5)  # as above
        assert (await _account(cloud, thief)).status_code == 401
    assert await cloud.count("ledger_entry", "event = 'app_code.reused'") == 1


async def test_a_person_who_changes_their_mind(cloud: Cloud) -> None:
    """The app is told so, and shows it."""
    async with httpx.AsyncClient(trust_env=False, timeout=20) as http:
        phone = Phone(http, cloud.url)
        flow = (await phone.start()).partition("flow=")[2]
        cancelled = await Visitor(cloud.url, "ida@example.org").send("POST", "/auth/app/cancel", flow=flow)
        assert await phone.opened(link_of(cancelled.text)) is None
        assert phone.shown == "You cancelled the sign-in."


@asynccontextmanager
async def _desktop() -> AsyncIterator[tuple[str, asyncio.Future[str]]]:
    """A desktop app that listens on the machine itself: its address, and the path that a browser comes to."""
    called: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = (await reader.readline()).decode()
        if "/callback" in line and not called.done():
            called.set_result(line.split()[1])
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/callback", called
    finally:
        server.close()
        await server.wait_closed()


async def test_a_real_browser_leads_to_an_app_on_the_same_machine(cloud: Cloud) -> None:
    """By itself, after one button; and on the small screen of a phone by the button where it does not."""
    owner = await cloud.owner()
    async with _desktop() as (redirect, called), browser_window(cloud.url, size=PHONE) as window:
        started = await cloud.http.post("/v1/mobile/auth/start", json={"redirectUri": redirect})
        await window.page.goto(started.json()["authorizationUrl"])
        await window.page.get_by_text("To let the OpenLeash app in").wait_for()
        await window.page.get_by_label("E-mail").fill(owner.email)
        await window.page.get_by_label("Password").fill(PASSWORD)
        await window.page.get_by_role("textbox", name="Code").fill(owner.recovery_codes.pop())
        await window.page.get_by_role("button", name="Sign in", exact=True).click()
        button = window.page.get_by_role("button", name="Continue as Ada Lovelace")
        await button.wait_for()
        assert await window.overflow() == 0
        assert (await Axe().run(window.page)).violations_count == 0
        assert window.complaints == []
        await button.click()
        query = parse_qs(urlsplit(await asyncio.wait_for(called, 10)).query)
        await window.page.wait_for_url(lambda url: url.startswith(redirect))  # asked for is not yet arrived
        assert query["state"] == [started.json()["state"]]
        reply = await cloud.http.post("/v1/mobile/auth/exchange", json={"authorizationCode": query["code"][0]})
        assert reply.json()["user"]["email"] == owner.email
        # An app with a scheme of its own: this browser has none that would open it, so the page stays.
        address = await Phone(cloud.http).start()
        await window.page.goto(address)
        await window.page.get_by_role("button", name="Continue as Ada Lovelace").click()
        link = window.page.get_by_role("link", name="Back to the app")
        assert str(await link.get_attribute("href")).startswith("openleash://auth/callback?code=olk_")
        assert await window.overflow() == 0
