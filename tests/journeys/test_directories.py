"""The page of directories in a real browser, with a real OpenLDAP behind it."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe

from tests.support import slapd
from tests.support.browser import DESKTOP, PHONE, Window, browser_window
from tests.support.journey import Cloud
from tests.support.slapd import Slapd, dn_of, group, person

PICTURES = Path(__file__).resolve().parents[2] / "build" / "pages"
_AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}
_SYNC_SECONDS = 30
_TOML = """
[directories.corp]
label = "Head office"
kind = "ldap"
urls = ["{url}", "ldaps://127.0.0.1:9"]
ca_file = "{authority}"
bind_dn = "{service}"
user_base = "{people}"
group_base = "{groups}"
brake_people = 1
sync_seconds = 86400
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Slapd]:
    """Four people and a group within a group."""
    with slapd.slapd(person("ida") + person("ben") + person("eve") + person("kim")) as running:
        running.add(group("leads", dn_of("ida")) + group("staff", f"cn=leads,{slapd.GROUPS}"))
        yield running


@pytest.fixture(scope="module")
async def cloud(server: Slapd, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cloud]:
    """An installation that knows the directory; its second host does not exist."""
    toml = _TOML.format(
        url=server.ldaps, authority=server.authority.file, service=slapd.SERVICE, people=slapd.PEOPLE,
        groups=slapd.GROUPS,
    )  # fmt: skip
    password = {"LEASH_DIRECTORIES__CORP__BIND_PASSWORD": slapd.SERVICE_PASSWORD}
    async with Cloud(tmp_path_factory.mktemp("directories"), toml=toml, settings=password) as running:
        await wait_until_synchronised(running)
        yield running


async def wait_until_synchronised(cloud: Cloud) -> None:
    """The scheduler brings everybody without being asked."""
    until = time.monotonic() + _SYNC_SECONDS
    while not await cloud.count("sync_run", "state = 'done'"):
        assert time.monotonic() < until, cloud.logs()
        await asyncio.sleep(0.2)


async def test_each_part_answers_in_the_open_page(cloud: Cloud, server: Slapd) -> None:
    """Buttons bring what the server said and the next step; a sign-in is tried; a held run is refused."""
    owner = await cloud.owner()
    async with browser_window(cloud.url, person=owner) as window:
        page = window.page
        await page.goto(f"{cloud.url}/directories")
        await page.get_by_role("button", name="TLS").click()
        await page.get_by_text("TLS: does not work").wait_for()
        assert await page.get_by_text("Next:").is_visible()
        await page.get_by_label("User", exact=True).fill("ida")
        await page.get_by_role("button", name="Groups").click()
        await page.get_by_text("leads, staff").wait_for()
        await page.get_by_label("Sign in as").fill("ida")
        await page.get_by_label("Password").fill(slapd.PASSWORD)
        await page.get_by_role("button", name="Try").click()
        await page.get_by_text("Would be let in").wait_for()
        assert await page.get_by_label("Password").input_value() == ""
        await page.get_by_role("button", name="Run now").click()
        await page.get_by_text("What it changed").wait_for()
        server.delete(dn_of("eve"), dn_of("kim"))
        try:
            await page.goto(f"{cloud.url}/directories")
            await page.get_by_role("button", name="Run now").click()
            await page.get_by_text("Nobody has been changed").wait_for()
            await _look(window, "directory-run-held", "-light-1280")
            await page.get_by_role("button", name="Reject").click()
            await page.get_by_text("The run is refused").wait_for()
        finally:
            server.add(person("eve") + person("kim"))
        assert window.complaints == []


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_the_pages_fit(cloud: Cloud, size: tuple[int, int], *, is_dark: bool) -> None:
    """At 1280 and 320 pixels, light and dark: no sideways scrolling, WCAG AA by axe, no script error; pictures."""
    owner = await cloud.owner()
    names = f"-{'dark' if is_dark else 'light'}-{size[0]}"
    async with browser_window(cloud.url, size=size, is_dark=is_dark, person=owner) as window:
        page = window.page
        await page.goto(f"{cloud.url}/directories")
        await page.get_by_role("button", name="Reach").click()
        await page.get_by_text("Reach: does not work").wait_for()
        await page.get_by_role("button", name="What would a run change?").click()
        await page.get_by_text("A run now would change").wait_for()
        await _look(window, "directories", names)
        await page.goto(f"{cloud.url}/directories/corp/runs")
        await _look(window, "directory-runs", names)
        await page.locator("tbody a").last.click()
        await _look(window, "directory-run", names)
        assert window.complaints == []


async def _look(window: Window, name: str, names: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    await window.page.screenshot(path=PICTURES / f"{name}{names}.png", full_page=True)
    assert await window.overflow() <= 0
    results = await Axe().run(window.page, options=_AXE)
    broken = results.response["violations"]
    assert [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in broken] == []
