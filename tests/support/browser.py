"""A real Chromium, with a new empty profile each time, that complains of whatever a person would not like."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, Page, async_playwright
from pyotp.totp import TOTP

from tests.support.visitor import PASSWORD, Visitor

CHROMIUM = "/usr/bin/chromium"
_ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
]  # fmt: skip
DESKTOP = (1280, 900)
PHONE = (320, 640)


class Window:
    """One window of one person.

    Attributes:
        complaints: errors of scripts, refused resources, and requests that left the origin.
    """

    def __init__(self, context: BrowserContext, page: Page, origin: str) -> None:
        """`origin` is the only one that anything may be fetched from."""
        self.context = context
        self.page = page
        self.complaints: list[str] = []
        self._host = urlsplit(origin).netloc
        page.on("console", lambda message: self._said(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self._requested(request.url))

    def _said(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(text)

    def _requested(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"data", "about"} and parts.netloc != self._host:
            self.complaints.append(f"left the origin: {url}")

    async def claim(self, link: str, name: str, email: str) -> str:
        """Become the owner by the one-time link; the authenticator's secret."""
        page = self.page
        await page.goto(link)
        await page.get_by_label("Your name").fill(name)
        await page.get_by_label("E-mail").fill(email)
        await page.get_by_label("Password", exact=False).first.fill(PASSWORD)
        await page.get_by_label("Password again").fill(PASSWORD)
        await page.get_by_role("button", name="Continue").click()
        secret = await page.locator("#secret").inner_text()
        await page.get_by_role("textbox", name="Code").fill(TOTP(secret).at(int(time.time())))
        await page.get_by_role("button", name="Finish").click()
        await page.get_by_role("link", name="I have kept them").click()
        return secret

    async def sign_in(self, person: Visitor) -> None:
        """Sign in by the form, with a recovery code: the authenticator's present one may be used up."""
        await self.page.goto(f"{person.url}/sign-in")
        form = self.page.locator('form[action="/sign-in"]')
        if not await form.is_visible():  # folded away where directories come first
            await self.page.get_by_text("Sign in with a password of this installation").click()
        await form.get_by_label("E-mail").fill(person.email)
        await form.get_by_label("Password").fill(PASSWORD)
        await form.get_by_role("textbox", name="Code").fill(person.recovery_codes.pop())
        await form.get_by_role("button", name="Sign in").click()
        await self.page.get_by_role("heading", name="Overview").wait_for()

    async def overflow(self) -> int:
        """How many pixels of the page lie right of the window: a person would have to scroll sideways."""
        found = await self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return int(found)


@asynccontextmanager
async def browser_window(
    origin: str,
    *,
    size: tuple[int, int] = DESKTOP,
    is_dark: bool = False,
    is_touch: bool = False,
    person: Visitor | None = None,
) -> AsyncIterator[Window]:
    """A window, gone afterwards; of `person`, signed in. With `is_touch` it is a phone's."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        try:
            context = await browser.new_context(
                viewport={"width": size[0], "height": size[1]},
                color_scheme="dark" if is_dark else "light",
                has_touch=is_touch,
                is_mobile=is_touch,
            )
            window = Window(context, await context.new_page(), origin)
            if person is not None:
                await window.sign_in(person)
            yield window
        finally:
            await browser.close()
