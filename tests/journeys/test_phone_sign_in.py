"""A phone signs in as the published app does it: over HTTP, through a browser, with a local account."""

import asyncio

import httpx

from tests.support.journey import Cloud
from tests.support.phone import Phone, form_token_of, link_of
from tests.support.visitor import PASSWORD, Visitor


async def _led_in(cloud: Cloud, phone: Phone, visitor: Visitor) -> str:
    """The browser that the phone opens: its person presses the one button; the address that leads back."""
    address = await phone.start()
    assert address.startswith(f"{cloud.url}/auth/app?flow=")
    path = address.removeprefix(cloud.url)
    page = await visitor.send("GET", path)
    if page.status_code == 303:  # nobody is signed in in this browser
        assert page.headers["location"].startswith("/sign-in?next=")
        fields = {"email": visitor.email, "password": PASSWORD, "code": visitor.recovery_codes.pop()}
        sent = await visitor.send("POST", "/sign-in", next=path, **fields)
        assert (sent.status_code, sent.headers["location"]) == (303, path)
        page = await visitor.send("GET", path)
    form_token, flow = form_token_of(page.text), path.partition("flow=")[2]
    handed = await visitor.send("POST", "/auth/app", csrf_token=form_token, flow=flow)
    assert handed.headers["refresh"].startswith("0;url=openleash://auth/callback?code=")
    return link_of(handed.text)


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
        reply = await phone.opened(await _led_in(cloud, phone, elsewhere))
        assert reply is not None
        assert reply.json()["user"]["email"] == owner.email
        assert (await _account(cloud, phone)).json()["session_kind"] == "device"
        # The relaunch, with the token that it keeps.
        assert (await phone.bootstrap())["organization"] == told["organization"]
        # A second phone of the same person leaves the first one alone; its browser is signed in already.
        second = Phone(http, cloud.url)
        second.restart()
        await second.opened(await _led_in(cloud, second, elsewhere))
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
        code = (await _led_in(cloud, phone, owner)).partition("code=")[2].partition("&")[0]
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
