"""An employee with a real browser, a real provider and the real service: in, and out on both sides."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import Page

from tests.support.browser import browser_window
from tests.support.oidc_provider import SECRET, oidc_provider
from tests.support.people import ledger_events
from tests.support.postgres import TestDatabase
from tests.support.processes import free_port
from tests.support.served import environ_of, served


async def _sign_in_there(page: Page) -> None:
    """Fill in the provider's form, and consent where it asks."""
    await page.locator('input[name="login"]').fill("ida")
    await page.locator('input[name="password"]').fill("x")
    await page.locator('button[type="submit"]').first.click()


async def test_an_employee_signs_in_and_out(committed_database: TestDatabase, tmp_path: Path) -> None:
    """Our own policy forbids forms and scripts to leave, and the browser gets there all the same."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with oidc_provider(tmp_path, url) as provider:
        settings = {
            "LEASH_SERVER__PORT": str(port),
            "LEASH_PROVIDERS__OP__LABEL": "Example staff",
            "LEASH_PROVIDERS__OP__ISSUER": provider.issuer,
            "LEASH_PROVIDERS__OP__CLIENT_ID": "leash",
            "LEASH_PROVIDERS__OP__CLIENT_SECRET": SECRET,
            "LEASH_PROVIDERS__OP__SCOPES": "openid,profile,email,groups",
            "LEASH_PROVIDERS__OP__ALLOW_PRIVATE_ADDRESSES": "true",
        }
        environ = environ_of(committed_database, tmp_path, **settings)
        async with served("server", tmp_path, environ), browser_window(url) as window:
            page = window.page
            await _until_open(page, f"{url}/account")
            await page.get_by_role("link", name="Sign in with Example staff").click()
            await _sign_in_there(page)
            consent = page.locator('input[name="prompt"][value="consent"]')
            if await consent.count():
                await page.locator('button[type="submit"]').first.click()
            await page.wait_for_url(f"{url}/account")
            assert "Ida Rhodes" in await page.inner_text("body")
            await page.get_by_role("button", name="Sign out").first.click()
            await page.wait_for_url(lambda address: urlsplit(address).netloc == urlsplit(provider.issuer).netloc)
            await page.locator('button[type="submit"]').first.click()
            await page.wait_for_url(f"{url}/auth/oidc/op/signed-out**")
            assert "Here and at your organisation" in await page.inner_text("body")
            await page.goto(f"{url}/account")
            await page.wait_for_url(f"{url}/sign-in**")
    events = await ledger_events()
    assert (events["sign_in.succeeded"], events["session.ended"]) == (1, 1)


async def _until_open(page: Page, address: str) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                await page.goto(address)
            except Exception:  # noqa: BLE001 - whatever Playwright calls a closed port
                await asyncio.sleep(0.2)
            else:
                return
