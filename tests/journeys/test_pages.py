"""Every page of the dashboard in a real browser: WCAG AA by axe, at 1280 and 320 pixels, light and dark."""

import re
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from axe_playwright_python.async_playwright import Axe
from litestar import Router
from litestar.routes import HTTPRoute
from pyotp.totp import TOTP

from appliance.database.identifiers import uuid7
from server.dashboard import route_handlers
from tests.support.browser import DESKTOP, PHONE, Window, browser_window
from tests.support.journey import Cloud
from tests.support.machines import bash, held
from tests.support.visitor import PASSWORD, Visitor

PICTURES = Path(__file__).resolve().parents[2] / "build" / "pages"
HIDDEN = "git push --force origin main # \u200btxt.exe " + "x" * 300
TOML = """
[directories.corp]
label = "Head office"
kind = "ldap"
urls = ["ldaps://127.0.0.1:9", "ldaps://127.0.0.1:19"]
bind_dn = "cn=leash,dc=example,dc=org"
user_base = "ou=people,dc=example,dc=org"
sync_seconds = 0
[providers.acme]
label = "Acme login"
issuer = "https://login.example.org"
client_id = "leash"
"""
# A stream never ends, and what only leads to a provider has nothing to look at here.
NO_PAGES: Final = {"/live", "/auth/oidc/{name:str}/begin", "/auth/oidc/{name:str}/step-up"}
_AXE: Final = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    "resultTypes": ["violations"],
}
# What width and colour decide; the rest is looked at in two of the four views, each width and colour being in one.
_AXE_AGAIN: Final = {"runOnly": {"type": "rule", "values": ["color-contrast", "target-size"]}}
# Of hundreds of lines and operations that one loop of a template has made, the first ones stand for all.
_REPEATED: Final = {"exclude": [[".source .line:nth-child(n+40)"], [".operation:nth-of-type(n+6)"]]}
_VIEWS: Final = [(size, is_dark) for size in (DESKTOP, PHONE) for is_dark in (False, True)]
# Secrets do not stand in a file that others may read.
_SECRETS: Final = {"LEASH_DIRECTORIES__CORP__BIND_PASSWORD": "x", "LEASH_PROVIDERS__ACME__CLIENT_SECRET": "x"}
_PICTURED: Final = {(DESKTOP, False), (PHONE, True)}


class Looking:
    """Looks at one page after another, in every width and colour.

    Attributes:
        broken: what was found wrong, with its page.
        refusals: what Chromium complains of, because a page that was looked at says that something is over.
    """

    def __init__(self, window: Window) -> None:
        """At nothing yet."""
        self.window = window
        self.broken: list[str] = []
        self.refusals: set[str] = set()

    async def at(self, name: str) -> None:
        """The page that is open; `name` is for its pictures and complaints."""
        page = self.window.page
        await page.evaluate(Axe().axe_script)
        for size, is_dark in _VIEWS:
            await page.set_viewport_size({"width": size[0], "height": size[1]})
            await page.emulate_media(color_scheme="dark" if is_dark else "light")
            view = f"{name}-{'dark' if is_dark else 'light'}-{size[0]}"
            is_whole = (size, is_dark) in _PICTURED
            if is_whole:
                await page.screenshot(path=PICTURES / f"{view}.png", full_page=True)
            if await self.window.overflow() > 0:
                self.broken.append(f"{view}: scrolls sideways")
            found: Any = await page.evaluate(
                "([context, options]) => axe.run(context, options)", [_REPEATED, _AXE if is_whole else _AXE_AGAIN]
            )
            self.broken += [f"{view}: {each['id']}: {each['nodes'][0]['html'][:200]}" for each in found["violations"]]
        await page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
        await page.emulate_media(color_scheme="light")

    async def open(self, route: str, address: str, reader: Visitor) -> None:
        """The page at an address, if it is one; plain texts, files and parts of pages are none."""
        reply = await reader.send("GET", address)
        assert reply.status_code < 500, (address, reply.status_code)
        is_refused = reply.status_code >= 400  # which a browser is told in a page too
        if not is_refused and not reply.text.lstrip().lower().startswith("<!doctype html"):
            return
        if is_refused:
            self.refusals.add(f"the server responded with a status of {reply.status_code} ")
        await self.window.page.goto(f"{reader.url}{address}")
        await self.at(re.sub(r"\W+", "-", route.replace(":str", "").replace(":uuid", "")).strip("-") or "overview")


def routes() -> list[str]:
    """Every route of the dashboard that a browser can open."""
    [pages] = [each for each in route_handlers if isinstance(each, Router)]
    found = [route for route in pages.routes if isinstance(route, HTTPRoute) and "GET" in route.methods]
    return sorted({route.path for route in found} - NO_PAGES)


async def examples(cloud: Cloud, ask: str) -> dict[str, str]:
    """An address for each route that has parameters."""
    link = await cloud.leashctl("people", "invite", "--email", "ida@example.org", "--name", "Ida", "--role", "member")
    person = (await cloud.sql("SELECT id FROM person WHERE email = 'ida@example.org'"))[0][0]
    group, run, entry = uuid7(), await _told(cloud, person), "SELECT id FROM ledger_entry ORDER BY id LIMIT 1"
    await cloud.sql(
        "INSERT INTO identity_group (id, source, key, name, is_gone) VALUES ($1, 'directory:corp', 'k', $2, false)",
        group, "Leads of a department with a name that is long enough for two lines " + "y" * 80,
    )  # fmt: skip
    await cloud.leashctl("groups", "grant", str(group), "approver", "--project", "/srv/payments/" + "z" * 90)
    decision = (await cloud.sql("SELECT decision_id FROM ask WHERE id = $1::uuid", ask))[0][0]
    return {
        "/claim/{token:str}": link["url"].removeprefix(cloud.url),
        "/auth/oidc/{name:str}/callback": "/auth/oidc/acme/callback?state=unknown&code=x",
        "/auth/oidc/{name:str}/signed-out": "/auth/oidc/acme/signed-out",
        "/approvals/{ask_id:uuid}": f"/approvals/{ask}",
        "/approvals/{ask_id:uuid}/payload": f"/approvals/{ask}/payload",
        "/decisions/{decision_id:uuid}": f"/decisions/{decision}",
        "/decisions/{decision_id:uuid}/payload": f"/decisions/{decision}/payload",
        "/policies/versions/{version:int}": "/policies/versions/1",
        "/ledger/entries/{entry_id:uuid}": f"/ledger/entries/{(await cloud.sql(entry))[0][0]}",
        "/people/{person:uuid}": f"/people/{person}",
        "/people/{person:uuid}/sessions": f"/people/{person}/sessions",
        "/groups/{group:uuid}": f"/groups/{group}",
        "/directories/{name:str}/runs": "/directories/corp/runs",
        "/directories/{name:str}/runs/{run_id:uuid}": f"/directories/corp/runs/{run}",
        "/step-up/acts/{act:uuid}": f"/step-up/acts/{uuid7()}",
        "/agents/connect/files/{place:int}": "/agents/connect/files/0",
        "/break-glass/open/{token:str}": f"/break-glass/open/{quote('olb_' + 'A' * 43)}",
    }


async def _told(cloud: Cloud, person: object) -> object:
    """An account of the directory for somebody, and a run that waits for a person; the run's identifier."""
    account, run = uuid7(), uuid7()
    await cloud.sql(
        "INSERT INTO external_account (id, source, key, person, user_name, created_at, seen_at) "
        "VALUES ($1, 'directory:corp', 'k', $2, 'ida', now(), now())",
        account, person,
    )  # fmt: skip
    await cloud.sql(
        "INSERT INTO sync_run (id, directory, kind, state, started_at, ended_at, counts, cursor, basis, problem, "
        "started_by, resolved_by) VALUES ($1, 'corp', 'full', 'held', now(), now(), '{\"disabled\": 1}', '', '', "
        "'It would disable 1 of 1 people', 'x', '')",
        run,
    )
    return run


async def test_axe_finds_nothing_wrong_on_any_page(tmp_path: Path) -> None:
    """Over the whole table of routes, and the pages that only a form leads to; nothing scrolls sideways."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    async with Cloud(tmp_path, toml=TOML, settings=_SECRETS) as cloud:
        owner, machine = await cloud.owner(), await cloud.machine()
        assert (await machine.run("git status")).is_allow
        assert (await machine.run("rm -rf /")).is_deny
        async with held(machine, bash(HIDDEN)), browser_window(cloud.url, person=owner) as window:
            [ask] = await cloud.pending_asks(machine=machine)
            looking = Looking(window)
            addresses = await examples(cloud, ask)
            for route in routes():
                assert route in addresses or "{" not in route, f"{route} needs an example here"
                await looking.open(route, addresses.get(route, route), owner)
            await _a_proof(cloud, looking, owner)
            await window.context.clear_cookies()
            await _without_a_session(cloud, looking, addresses["/claim/{token:str}"])
            assert looking.broken == []
            assert [each for each in window.complaints if not any(told in each for told in looking.refusals)] == []
            await cloud.expire_asks(machine)


async def _a_proof(cloud: Cloud, looking: Looking, owner: Visitor) -> None:
    """A dangerous act of somebody whose last proof is old, up to the page where it waits."""
    page = looking.window.page
    await cloud.sql("UPDATE session SET stepped_up_at = stepped_up_at - interval '1 day'")
    await cloud.sql("SELECT pg_notify('leash_identity', '')")
    await page.goto(f"{cloud.url}/agents")
    form = page.locator('form[action="/agents/tokens"]')
    await form.get_by_label("Name").fill("Laptops")
    await form.get_by_role("button").first.click()
    await page.get_by_role("heading", name="Is it you?").wait_for()
    await looking.at("step-up-asked")
    await page.get_by_label("Code").fill(owner.recovery_codes.pop())
    await page.locator('form[action="/step-up"] button').first.click()
    await page.get_by_role("heading", name="It is you").wait_for()
    await looking.at("step-up-act-waits")
    await page.get_by_role("main").get_by_role("button").first.click()
    await page.locator("#token").or_(page.get_by_text("shown only")).first.wait_for()
    await looking.at("agent-token")
    # The other stories' sessions have their proofs back.
    await cloud.sql(
        "UPDATE session SET stepped_up_at = stepped_up_at + interval '1 day' "
        "WHERE stepped_up_at < now() - interval '12 hours'"
    )
    await cloud.sql("SELECT pg_notify('leash_identity', '')")


async def _without_a_session(cloud: Cloud, looking: Looking, link: str) -> None:
    """Sign-in, and an account that is set up: link, authenticator, recovery codes."""
    page = looking.window.page
    await page.goto(f"{cloud.url}/sign-in")
    await looking.at("sign-in-signed-out")
    await page.goto(f"{cloud.url}/break-glass")
    await looking.at("break-glass-signed-out")
    await page.goto(f"{cloud.url}{link}")
    await looking.at("claim-signed-out")
    await page.get_by_label("Password", exact=False).first.fill(PASSWORD)
    await page.get_by_label("Password again").fill(PASSWORD)
    await page.get_by_role("button", name="Continue").click()
    secret = await page.locator("#secret").inner_text()
    await looking.at("claim-authenticator")
    await page.get_by_role("textbox", name="Code").fill(TOTP(secret).at(int(time.time())))
    await page.get_by_role("button", name="Finish").click()
    await page.get_by_role("link", name="I have kept them").wait_for()
    await looking.at("claim-recovery-codes")
