"""A person with a passkey in a real Chromium, whose virtual authenticator speaks CTAP2."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import CDPSession, Page

from appliance.bootstrap import Appliance, build_appliance
from appliance.clock import utc_now
from appliance.config import Config
from appliance.config.sections import Server, State
from tests.support.browser import PHONE, Window, browser_window
from tests.support.people import OPERATOR, Someone, ledger_events, ledger_facts, make_owner
from tests.support.postgres import TestDatabase
from tests.support.processes import free_port
from tests.support.served import environ_of, served

_AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}
_DEVICE = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


@pytest.fixture
async def appliance(committed_database: TestDatabase, tmp_path: Path) -> Appliance:
    """The appliance that is served below; people are made by it."""
    port = free_port()
    config = Config(
        server=Server(public_url=f"http://localhost:{port}", port=port), state=State(directory=tmp_path / "state")
    )
    return await build_appliance(config, committed_database.service_url, utc_now)


@pytest.fixture
async def window(appliance: Appliance, committed_database: TestDatabase, tmp_path: Path) -> AsyncIterator[Window]:
    """A browser at the served appliance."""
    config = appliance.config
    environ = environ_of(
        committed_database,
        tmp_path,
        LEASH_SERVER__PORT=str(config.server.port),
        LEASH_SERVER__PUBLIC_URL=config.public_origin,
        LEASH_SERVER__WORKERS="1",
    )
    async with served("server", tmp_path, environ) as server:
        await server.until("server.listening")
        async with browser_window(config.public_origin) as opened:
            yield opened


async def _device(window: Window) -> CDPSession:
    """Plug a virtual authenticator into the browser."""
    devices = await window.context.new_cdp_session(window.page)
    await devices.send("WebAuthn.enable")
    await devices.send("WebAuthn.addVirtualAuthenticator", {"options": _DEVICE})
    return devices


async def _sign_in_by_code(page: Page, origin: str, owner: Someone) -> None:
    await page.goto(f"{origin}/sign-in")
    form = page.locator('form[action="/sign-in"]')
    await form.get_by_label("E-mail").fill(owner.email)
    await form.get_by_label("Password").fill("correct horse battery staple")
    await form.get_by_role("textbox", name="Code").fill(owner.recovery_codes[0])
    await form.get_by_role("button", name="Sign in").click()
    await page.get_by_role("heading", name="Overview").wait_for()


async def test_a_passkey_is_added_signs_in_and_proves(appliance: Appliance, window: Window) -> None:
    """Add it on the account page, sign out, come in by it alone, and prove by it before a dangerous act."""
    owner, origin, page = await make_owner(appliance.identity, utc_now()), appliance.config.public_origin, window.page
    await _sign_in_by_code(page, origin, owner)
    await _device(window)
    await page.goto(f"{origin}/account/passkeys")
    await page.get_by_label("Name").fill("Test laptop")
    await page.get_by_role("button", name="Add").click()
    await page.get_by_role("cell", name="Test laptop").wait_for()
    await page.get_by_role("button", name="Sign out").click()
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await page.get_by_role("heading", name="Overview").wait_for()
    assert (await ledger_facts("sign_in.succeeded"))[-1]["factor"] == "passkey"
    await page.goto(f"{origin}/step-up?next=/account")
    await page.get_by_role("button", name="Use a passkey").click()
    await page.get_by_role("heading", name="Your account").wait_for()
    assert (await ledger_facts("session.stepped_up")) == [{"how": "passkey"}]
    assert window.complaints == []


async def test_everybody_can_use_these_pages(appliance: Appliance, window: Window) -> None:
    """No violation that axe finds, and nothing to scroll sideways on a phone, on each page of devices and proofs."""
    owner, origin, page = await make_owner(appliance.identity, utc_now()), appliance.config.public_origin, window.page
    await appliance.break_glass.seal(OPERATOR, "glass@example.org", utc_now())
    await _sign_in_by_code(page, origin, owner)
    await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    for path in ("/account", "/account/passkeys", "/step-up", "/break-glass", f"/people/{owner.id}/sessions"):
        await page.goto(f"{origin}{path}")
        results = await Axe().run(page, options=_AXE)
        assert [each["id"] for each in results.response["violations"]] == [], path
        assert await window.overflow() == 0, path
    await window.context.clear_cookies()
    for path in ("/sign-in", "/break-glass", "/break-glass/open/olg_x"):
        await page.goto(f"{origin}{path}")
        results = await Axe().run(page, options=_AXE)
        assert [each["id"] for each in results.response["violations"]] == [], path
        assert await window.overflow() == 0, path
    assert window.complaints == []


async def test_without_the_device_nobody_comes_in(appliance: Appliance, window: Window) -> None:
    """A browser that holds no passkey says so in words, and the usual sign-in still stands there."""
    origin, page = appliance.config.public_origin, window.page
    await _device(window)
    await page.goto(f"{origin}/sign-in")
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await page.get_by_text("there is none for this address").wait_for()
    assert await page.locator('form[action="/sign-in"]').is_visible()
    assert (await ledger_events())["sign_in.succeeded"] == 0


async def test_the_glass_is_broken_in_a_browser(appliance: Appliance, window: Window) -> None:
    """Type the sheet, come in, see the banner; sign out, and the sheet is worthless."""
    await make_owner(appliance.identity, utc_now())
    origin, page = appliance.config.public_origin, window.page
    sheet = await appliance.break_glass.seal(OPERATOR, "glass@example.org", utc_now())
    for is_first in (True, False):
        await page.goto(f"{origin}/break-glass")
        await page.get_by_label("Password on the sheet").fill(sheet.password.upper())
        await page.get_by_label("Token on the sheet").fill(sheet.token.replace("-", " "))
        await page.get_by_role("button", name="Break the glass").click()
        if is_first:
            await page.get_by_text("The glass is broken.").wait_for()
            await page.get_by_role("button", name="Sign out").click()
            await page.get_by_role("heading", name="Sign in").wait_for()
    await page.get_by_text("The sheet was not accepted").wait_for()
    assert (await ledger_events())["break_glass.opened"] == 1
