"""Pages that let apps in, and the sign-in page with more than one way in."""

import html
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from httpx import Response

from appliance.bootstrap import Appliance, build_appliance
from appliance.clock import utc_now
from appliance.config import Config
from appliance.config.sections import Server, State
from appliance.config.sign_in import SignIn
from appliance.database.connection import current_connection
from appliance.database.transaction import transaction
from server.app import create_app
from tests.server.dashboard.conftest import HTML, ORIGIN, Browse, Browser
from tests.support.directory_sign_in import RIGHT, CountingDirectory, settings, sign_ins
from tests.support.fake_directory import Fault
from tests.support.people import OPERATOR, PASSWORD, Someone, ledger_events
from tests.support.phone import CALLBACK, Phone, form_token_of, link_of
from tests.support.postgres import TestDatabase
from tests.support.web import WebClient, running


@pytest.fixture
def corp() -> CountingDirectory:
    """A directory with Ida."""
    made = CountingDirectory()
    made.add("ida")
    made.passwords["ida"] = RIGHT
    return made


@pytest.fixture
async def appliance(committed_database: TestDatabase, tmp_path: Path, corp: CountingDirectory) -> Appliance:
    """Whose directories are `corp` and one that nobody asks."""
    config = Config(server=Server(public_url=ORIGIN), state=State(directory=tmp_path))
    built = await build_appliance(config, committed_database.service_url, utc_now)
    return replace(built, external=sign_ins(built.identity, corp))


@pytest.fixture
def phone(client: WebClient) -> Phone:
    """An app of whoever tests."""
    return Phone(client)


async def signed_in(browser: Browser, owner: Someone, path: str = "/") -> None:
    """Sign in by the form, as a browser does that was led there from a page."""
    fields = {"email": owner.email, "password": PASSWORD, "code": owner.code(utc_now())}
    sent = await browser.post("/sign-in", next=path, **fields)
    assert (sent.status_code, sent.headers["location"]) == (303, path), sent.text


async def flow_page(browser: Browser, phone: Phone, someone: Someone) -> tuple[str, Response]:
    """The app's page in the browser of somebody who signs in for it; its token and the page."""
    path = (await phone.start()).removeprefix(ORIGIN)
    led = await browser.get(path)
    assert led.status_code == 303
    assert parse_qs(urlsplit(led.headers["location"]).query)["next"] == [path]
    asked = await browser.get(led.headers["location"])
    assert "To let the OpenLeash app in" in asked.text
    await signed_in(browser, someone, path)
    page = await browser.get(path)
    browser.csrf = form_token_of(page.text)
    return path.partition("flow=")[2], page


async def test_the_browser_leads_the_app_in(browse: Browse, owner: Someone, phone: Phone) -> None:
    """Sign in, press the button, and the page leads to the app by itself and by a link; the token is the person's."""
    browser = await browse(None)
    token, page = await flow_page(browser, phone, owner)
    assert "Continue as Ada Lovelace" in page.text
    assert "Overview" not in page.text
    handed = await browser.post("/auth/app", flow=token)
    address = link_of(handed.text)
    assert address.startswith(f"{CALLBACK}?code=olk_")
    assert handed.headers["refresh"] == f"0;url={address}"
    assert handed.headers["referrer-policy"] == "no-referrer"
    assert "no-store" in handed.headers["cache-control"]
    assert (await phone.opened(address)).status_code == 200  # type: ignore[union-attr]
    assert (await ledger_events())["app_code.issued"] == 1


async def test_whoever_is_signed_in_presses_one_button(browse: Browse, owner: Someone, phone: Phone) -> None:
    """No second sign-in; and the flow is over after that."""
    browser = await browse(None)
    await signed_in(browser, owner)
    path = (await phone.start()).removeprefix(ORIGIN)
    page = await browser.get(path)
    browser.csrf = form_token_of(page.text)
    token = path.partition("flow=")[2]
    assert (await browser.post("/auth/app", flow=token)).status_code in {200, 201}
    for again in (await browser.post("/auth/app", flow=token), await browser.get(path)):
        assert again.status_code == 410
        assert "Start again in the app" in again.text


async def _begun(appliance: Appliance, *, minutes: int, is_proven: bool) -> None:
    """Make everybody's sessions older, with or without a proof at their beginning."""
    at = utc_now() - timedelta(minutes=minutes)
    async with transaction():
        await current_connection().execute(
            "UPDATE session SET created_at = $1, stepped_up_at = $2", at, at if is_proven else None
        )
    appliance.identity.sessions.forget()


async def test_an_old_session_lets_an_app_in_after_a_proof(
    appliance: Appliance, browse: Browse, owner: Someone, phone: Phone
) -> None:
    """Whoever took a browser's cookie gets no app by it; the form goes on as it was once the person has proved it."""
    browser = await browse(None)
    token, _ = await flow_page(browser, phone, owner)
    await _begun(appliance, minutes=10, is_proven=True)
    asked = await browser.post("/auth/app", flow=token)
    assert (asked.status_code, "olk_" in asked.text) == (303, False)
    assert asked.headers["location"].startswith("/step-up?act=")
    assert "app_code.issued" not in await ledger_events()
    act = asked.headers["location"].partition("act=")[2]
    code = owner.code(utc_now() + timedelta(seconds=30))  # that of the sign-in is used up
    proved = await browser.post("/step-up", act=act, code=code)
    assert proved.headers["location"] == f"/step-up/acts/{act}"
    waiting = (await browser.get(proved.headers["location"])).text
    assert "Let an app in as you" in waiting
    assert f'name="flow" value="{token}"' in waiting
    handed = await browser.post("/auth/app", flow=token)
    assert (await phone.opened(link_of(handed.text))).status_code == 200  # type: ignore[union-attr]


async def test_a_fresh_sign_in_is_proof_enough(
    appliance: Appliance, browse: Browse, owner: Someone, phone: Phone
) -> None:
    """Also one without a second factor of ours, as by a directory."""
    browser = await browse(None)
    token, _ = await flow_page(browser, phone, owner)
    await _begun(appliance, minutes=9, is_proven=False)
    assert link_of((await browser.post("/auth/app", flow=token)).text).startswith(f"{CALLBACK}?code=olk_")


async def test_an_app_that_was_ended_meanwhile_comes_in(browse: Browse, owner: Someone, phone: Phone) -> None:
    """With what it forgot filled in wrongly."""
    browser = await browse(None)
    token, _ = await flow_page(browser, phone, owner)
    address = link_of((await browser.post("/auth/app", flow=token)).text)
    phone.restart()
    assert (await phone.opened(address)).status_code == 200  # type: ignore[union-attr]


@pytest.mark.parametrize("is_signed_in", [True, False])
async def test_cancelling_tells_the_app(browse: Browse, owner: Someone, phone: Phone, *, is_signed_in: bool) -> None:
    """Before and after signing in; the app shows the words."""
    browser = await browse(None)
    if is_signed_in:
        token, _ = await flow_page(browser, phone, owner)
    else:
        token = (await phone.start()).partition("flow=")[2]
    handed = await browser.post("/auth/app/cancel", flow=token)
    assert await phone.opened(link_of(handed.text)) is None
    assert phone.shown == "You cancelled the sign-in."
    assert (await browser.get(f"/auth/app?flow={token}")).status_code == 410


async def test_other_sites_let_no_app_in(client: WebClient, browse: Browse, owner: Someone, phone: Phone) -> None:
    """Neither without the form token, nor from elsewhere; a stranger is told nothing about the flow's person."""
    browser = await browse(None)
    token, _ = await flow_page(browser, phone, owner)
    forged = {**HTML, "Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    for path, data, headers in (
        ("/auth/app", {"flow": token}, HTML),
        ("/auth/app", {"flow": token, "csrf_token": browser.csrf}, forged),
        ("/auth/app/cancel", {"flow": token}, forged),
    ):
        assert (await client.post(path, data=data, headers=headers)).status_code == 403
    assert (await browser.post("/auth/app", flow=token)).status_code in {200, 201}


async def test_a_script_lets_no_app_in(browse: Browse, owner: Someone, phone: Phone) -> None:
    """Its session would outlive itself."""
    browser = await browse(owner)
    token = (await phone.start()).partition("flow=")[2]
    for path in ("/auth/app", "/account/connect"):
        refused = await browser.post(path, flow=token)
        assert refused.status_code == 403
        assert "signed in with a browser" in refused.text


@pytest.mark.parametrize("flow", ["", "x", "olf_" + "A" * 43, "%00", "<script>"])
async def test_a_flow_that_is_none_is_told_before_anybody_signs_in(browse: Browse, flow: str) -> None:
    """410 with what to do next."""
    page = await (await browse(None)).get(f"/auth/app?flow={flow}")
    assert page.status_code == 410
    assert "<script>" not in page.text.replace("<script src=", "").replace("<script defer", "")


async def test_the_account_page_leads_to_a_code_on_the_screen(browse: Browse, owner: Someone, phone: Phone) -> None:
    """Made by an act of its own, told once, and good for the phone."""
    browser = await browse(None)
    await signed_in(browser, owner)
    assert "/account/connect" in (await browser.get("/account")).text
    shown = await browser.get("/account/connect")
    assert "olk_" not in shown.text
    browser.csrf = form_token_of(shown.text)
    made = await browser.post("/account/connect")
    assert "<svg" in made.text
    found = re.search(r'<pre id="app-code" tabindex="0">([^<]+)</pre>', made.text)
    assert found
    assert (await phone.opened(html.unescape(found[1]))).status_code == 200  # type: ignore[union-attr]
    assert "OpenLeash app" in (await browser.get("/account")).text


# ---- the sign-in page


async def by_directory(browser: Browser, user: str = "ida", password: str = RIGHT, path: str = "/") -> Response:
    """Send the directory's form."""
    return await browser.post("/sign-in/directory/corp", user=user, password=password, next=path)


async def test_a_directory_has_a_form_of_its_own(browse: Browse, owner: Someone) -> None:
    """Above the passwords that are kept here; it leads on to where the visitor wanted."""
    browser = await browse(None)
    page = (await browser.get("/sign-in?next=/account")).text
    assert page.index('action="/sign-in/directory/corp"') < page.index("<details") < page.index('action="/sign-in"')
    sent = await by_directory(browser, path="/account")
    assert (sent.status_code, sent.headers["location"]) == (303, "/account")
    assert "ida@example.org" in (await browser.get("/account")).text
    assert await by_directory(browser, path="//evil.example/") is not None
    elsewhere = await by_directory(browser, path="https://evil.example/")
    assert elsewhere.headers["location"] == "/"


async def test_a_phone_comes_in_by_the_directory(browse: Browse, owner: Someone, phone: Phone) -> None:
    """The directory's form leads back to the app's page like every other one."""
    browser = await browse(None)
    path = (await phone.start()).removeprefix(ORIGIN)
    assert (await by_directory(browser, path=path)).headers["location"] == path
    browser.csrf = form_token_of((await browser.get(path)).text)
    handed = await browser.post("/auth/app", flow=path.partition("flow=")[2])
    told: Any = await phone.opened(link_of(handed.text))
    assert told.json()["user"]["email"] == "ida@example.org"


async def test_known_and_unknown_get_the_same_page(browse: Browse, owner: Someone) -> None:
    """Status, headers and body, apart from the name that was typed and the number of the request."""
    browser = await browse(None)
    pages = [await by_directory(browser, user, "wrong") for user in ("ida", "bob")]
    assert [page.status_code for page in pages] == [401, 401]
    known, unknown = (
        page.text.replace(f'value="{user}"', "") for page, user in zip(pages, ("ida", "bob"), strict=True)
    )
    assert known == unknown
    assert len({tuple(sorted(page.headers.keys())) for page in pages}) == 1
    assert "could not be signed in" in known


async def test_while_the_directory_is_down_local_owners_come_in(
    browse: Browse, owner: Someone, corp: CountingDirectory
) -> None:
    """The page says what is down, without host names, and the other form still works."""
    browser = await browse(None)
    corp.fault = Fault.ERROR
    page = await by_directory(browser)
    assert page.status_code == 503
    assert "The directory does not answer" in page.text
    assert "dc1" not in page.text
    await signed_in(browser, owner)
    assert (await browser.get("/account")).status_code == 200


async def test_local_passwords_can_be_off(
    committed_database: TestDatabase, tmp_path: Path, corp: CountingDirectory
) -> None:
    """Then there is no form for them, and none is taken."""
    config = Config(
        server=Server(public_url=ORIGIN), state=State(directory=tmp_path), sign_in=SignIn(local_accounts=False),
        directories={"corp": settings()},
    )  # fmt: skip
    appliance = await build_appliance(config, committed_database.service_url, utc_now)
    await appliance.identity.links.create_owner_link(OPERATOR, now=utc_now())
    async with running(create_app(config, appliance), ORIGIN) as client:
        page = await client.get("/sign-in", headers=HTML)
        assert 'action="/sign-in"' not in page.text
        sent = await client.post("/sign-in", headers=HTML, data={"email": "ada@example.org"})
        assert (sent.status_code, "password of this installation" in sent.text) == (403, True)
        ways = (await client.get("/v1/mobile/bootstrap")).json()["providers"]
    assert ways == [{"id": "directory:corp", "type": "ldap", "label": "Corp"}]
