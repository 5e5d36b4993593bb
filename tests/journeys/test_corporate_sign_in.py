"""An employee of a real Active Directory: in by browser and phone, out when IT says so, in all the same without it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from playwright.async_api import Page

from tests.support import samba
from tests.support.browser import PHONE, Window, browser_window
from tests.support.journey import Cloud
from tests.support.machines import Machine
from tests.support.phone import Phone
from tests.support.samba import Samba
from tests.support.visitor import PASSWORD, Visitor

SYNC_SECONDS = 2
OUT_SECONDS_MAX = 60.0
_POLL_SECONDS = 0.1
Access = Callable[[], Awaitable[bool]]


@pytest.fixture(scope="module")
async def corp(domain: Samba, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cloud]:
    """A private cloud whose people are those of the domain; the brake is off, for the domain is tiny."""
    domain.add_user("dora", "--given-name=Dora", "--surname=Diaz")
    domain.add_user("olaf", "--given-name=Olaf", "--surname=Oster")
    described = {
        "LABEL": "Example Corp",
        "KIND": "active_directory",
        "URLS": domain.ldaps,
        "CA_FILE": str(domain.authority.file),
        "BIND_DN": samba.SERVICE,
        "BIND_PASSWORD": samba.SERVICE_PASSWORD,
        "USER_BASE": samba.BASE,
        "SYNC_SECONDS": str(SYNC_SECONDS),
        "BRAKE_PERCENT": "100",
        "CONNECT_SECONDS": "0.5",
        "COOL_DOWN_SECONDS": "1",
    }
    settings = {f"LEASH_DIRECTORIES__CORP__{name}": value for name, value in described.items()}
    async with Cloud(tmp_path_factory.mktemp("corp"), settings=settings) as running:
        yield running


async def _sign_in(page: Page, user: str) -> None:
    """Fill in the directory's form on the page that is open, and send it."""
    form = page.locator('form[action="/sign-in/directory/corp"]')
    await form.get_by_label("User name").fill(user)
    await form.get_by_label("Password").fill(samba.PASSWORD)
    await form.get_by_role("button", name="Sign in with Example Corp").click()


async def _sign_in_here(window: Window, cloud: Cloud, user: str, name: str) -> None:
    await window.page.goto(f"{cloud.url}/account")
    await _sign_in(window.page, user)
    await window.page.wait_for_url(f"{cloud.url}/account")
    assert name in await window.page.inner_text("body")


async def _sign_in_by_phone(cloud: Cloud, http: httpx.AsyncClient, user: str, name: str) -> Phone:
    """The published app: bootstrap, the system's browser with the directory's form, the link back, the exchange."""
    phone = Phone(http, cloud.url)
    offered = [(way["type"], way["label"]) for way in (await phone.bootstrap())["providers"]]
    assert ("ldap", "Example Corp") in offered
    async with browser_window(cloud.url, size=PHONE) as window:
        await window.page.goto(await phone.start())
        await _sign_in(window.page, user)
        await window.page.get_by_role("button", name=f"Continue as {name}").click()
        link = await window.page.get_by_role("link", name="Back to the app").get_attribute("href")
    reply = await phone.opened(str(link))
    assert reply is not None
    assert reply.json()["user"]["email"] == f"{user}@example.test"
    return phone


async def _is_browser_in(window: Window, cloud: Cloud) -> bool:
    """Whether the person's own page opens, instead of the form."""
    await window.page.goto(f"{cloud.url}/account")
    return window.page.url == f"{cloud.url}/account"


async def _is_phone_in(phone: Phone, cloud: Cloud) -> bool:
    reply = await cloud.http.get("/v1/account", headers={"authorization": f"Bearer {phone.token}"})
    assert reply.status_code in {200, 401}, reply.text
    return reply.status_code == 200


async def _is_agent_in(machine: Machine) -> bool:
    return (await machine.run("git status")).is_allow


async def _last_accepted(access: Access, since: float) -> float:
    """Try until the first refusal; seconds from `since` to the last answer that was not one."""
    last = since
    while await access():
        last = time.monotonic()
        assert last - since < OUT_SECONDS_MAX, "still accepted"
        await asyncio.sleep(_POLL_SECONDS)
    return last - since


async def test_whoever_leaves_is_out_everywhere(corp: Cloud, domain: Samba) -> None:
    """Disabled in the domain: browser, phone and agent are refused within a minute, and the ledger has the time."""
    async with httpx.AsyncClient(trust_env=False, timeout=20) as http, browser_window(corp.url) as window:
        await _sign_in_here(window, corp, "dora", "Dora Diaz")
        phone = await _sign_in_by_phone(corp, http, "dora", "Dora Diaz")
        stays = await _sign_in_by_phone(corp, http, "olaf", "Olaf Oster")
        machine = await corp.machine(hostname="dora-mbp", email="dora@example.test")
        ways: dict[str, Access] = {
            "browser session": lambda: _is_browser_in(window, corp),
            "device token": lambda: _is_phone_in(phone, corp),
            "agent token": lambda: _is_agent_in(machine),
        }
        assert [await access() for access in ways.values()] == [True, True, True]
        # From before IT presses the button, so the figures are rather too long than too short.
        since = time.monotonic()
        disabling = asyncio.create_task(asyncio.to_thread(domain.user, "disable dora"))
        seconds = await asyncio.gather(*(_last_accepted(access, since) for access in ways.values()))
        await disabling
        for name, each in zip(ways, seconds, strict=True):
            print(f"{name}: last accepted {each:.1f} s after the account was disabled")  # noqa: T201 - the figures
        assert max(seconds) <= OUT_SECONDS_MAX
        assert [await access() for access in ways.values()] == [False, False, False]
        assert "Enrol the machine again" in (await machine.run("git status")).reason
        assert await _is_phone_in(stays, corp)
        await _sign_in(window.page, "dora")
        await window.page.get_by_role("alert").first.wait_for()
        assert not await _is_browser_in(window, corp)
    await _told(corp)


async def _told(cloud: Cloud) -> None:
    """The ledger is whole, and names the run that took effect with its time; the command shows the same."""
    await cloud.verify_ledger()
    [run] = [run for run in await cloud.leashctl("identity", "runs", "corp") if run["seconds_to_effect"] is not None]
    print(f"run {run['id']}: {run['seconds_to_effect']:.1f} s to effect, {run['counts']}")  # noqa: T201 - see above
    assert run["seconds_to_effect"] <= OUT_SECONDS_MAX
    assert (run["counts"]["disabled"], run["counts"]["machines"]) == (1, 1)
    rows = await cloud.sql("SELECT body FROM ledger_entry WHERE subject = $1", f"sync_run:{run['id']}")
    [entry] = [json.loads(row["body"]) for row in rows]
    assert entry["event"] == "directory_sync.done"
    assert entry["facts"]["seconds_to_effect"] == pytest.approx(run["seconds_to_effect"], abs=0.001)


async def test_without_the_directory_everybody_stays(corp: Cloud, domain: Samba) -> None:
    """The cable is out: who is in stays in, nobody is disabled, a local owner comes in; with the cable all is well."""
    owner = await corp.owner()
    machine = await corp.machine(hostname="olaf-mbp", email="olaf@example.test")
    async with httpx.AsyncClient(trust_env=False, timeout=20) as http, browser_window(corp.url) as window:
        await _sign_in_here(window, corp, "olaf", "Olaf Oster")
        phone = await _sign_in_by_phone(corp, http, "olaf", "Olaf Oster")
        disabled = await corp.count("person", "is_disabled")
        with domain.unplugged():
            await _until_runs(corp, lambda run: run["state"] == "failed" and run["counts"].get("times", 1) > 1)
            assert await _is_browser_in(window, corp)
            assert await _is_phone_in(phone, corp)
            assert await _is_agent_in(machine)
            assert await corp.count("person", "is_disabled") == disabled
            async with browser_window(corp.url) as another:
                await another.page.goto(f"{corp.url}/account")
                await _sign_in(another.page, "olaf")
                await another.page.get_by_text("The directory does not answer").wait_for()
                await _sign_in_locally(another.page, owner)
                await another.page.wait_for_url(f"{corp.url}/account")
                assert "Ada Lovelace" in await another.page.inner_text("body")
        await _until_runs(corp, lambda run: run["state"] == "done")
        await window.context.clear_cookies()
        await _sign_in_here(window, corp, "olaf", "Olaf Oster")
    await corp.verify_ledger()


async def _sign_in_locally(page: Page, person: Visitor) -> None:
    """By the form that waits folded up below the directory's."""
    await page.get_by_text("Sign in with a password of this installation").click()
    form = page.locator('form[action="/sign-in"]')
    await form.get_by_label("E-mail").fill(person.email)
    await form.get_by_label("Password").fill(PASSWORD)
    await form.get_by_role("textbox", name="Code").fill(person.recovery_codes.pop())
    await form.get_by_role("button", name="Sign in").click()


async def _until_runs(cloud: Cloud, is_as_wanted: Callable[[dict[str, Any]], bool], seconds: float = 45) -> None:
    """Wait until the newest run of the directory is so."""
    end = time.monotonic() + seconds
    while not is_as_wanted(run := (await cloud.leashctl("identity", "runs", "corp", "--limit", "1"))[0]):
        assert time.monotonic() < end, run
        await asyncio.sleep(0.5)
