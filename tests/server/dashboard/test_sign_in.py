"""From the one-time link to the first page, and in and out again."""

import re

from pyotp.totp import TOTP

from appliance.bootstrap import Appliance
from appliance.clock import utc_now
from tests.server.dashboard.conftest import Browse
from tests.support.people import OPERATOR, PASSWORD, Someone


async def test_an_owner_link_leads_to_a_signed_in_owner(appliance: Appliance, browse: Browse) -> None:
    """Opening the link twice uses nothing up; password and code finish it; the codes are shown; it works once."""
    link = await appliance.identity.links.create_owner_link(OPERATOR, now=utc_now())
    browser = await browse(None)
    for _ in range(2):
        assert "Become the owner" in (await browser.get(f"/claim/{link.token}")).text
    fields = {"display_name": "Ada <b>", "email": "ada@example.org", "password": PASSWORD}
    wrong = await browser.post(f"/claim/{link.token}", **fields, repeated="another one here")
    assert wrong.status_code == 422
    assert "not the same" in wrong.text
    sent = await browser.post(f"/claim/{link.token}", **fields, repeated=PASSWORD)
    assert (sent.status_code, sent.headers["location"]) == (303, "/claim-code")
    page = await browser.get("/claim-code")
    found = re.search(r'<pre id="secret" tabindex="0">([A-Z2-7]+)</pre>', page.text)
    assert found
    assert "<svg" in page.text
    assert (await browser.post("/claim-code", code="000")).status_code == 422
    done = await browser.post("/claim-code", code=TOTP(found.group(1)).now())
    assert done.status_code in {200, 201}
    assert len(re.findall(r"[a-z2-7]{4}(?:-[a-z2-7]{4}){3}", done.text)) == 10
    first = await browser.get("/")
    assert first.status_code == 200
    assert "Ada &lt;b&gt;" in first.text
    assert (await browser.get(f"/claim/{link.token}")).status_code == 410


async def test_a_wrong_password_is_told_on_the_page_without_saying_which(browse: Browse, owner: Someone) -> None:
    """The page keeps the e-mail and says what to check."""
    browser = await browse(None)
    page = await browser.post("/sign-in", email=owner.email, password="x" * 12, code="000000", next="/agents")
    assert page.status_code == 401
    assert "E-mail, password or code is wrong" in page.text
    assert f'value="{owner.email}"' in page.text


async def test_signing_in_leads_back_and_out_again(browse: Browse, owner: Someone) -> None:
    """A right sign-in goes where the visitor wanted; signing out ends the session."""
    browser = await browse(None)
    sent = await browser.post(
        "/sign-in", email=owner.email, password=PASSWORD, code=owner.code(utc_now()), next="/agents"
    )
    assert (sent.status_code, sent.headers["location"]) == (303, "/agents")
    page = await browser.get("/agents")
    assert page.status_code == 200
    found = re.search(r'name="csrf_token" value="([0-9a-f]+)"', page.text)
    assert found
    browser.csrf = found.group(1)
    assert (await browser.post("/sign-out")).status_code == 303
    assert (await browser.get("/agents")).status_code == 303


async def test_sign_in_never_leads_to_another_site(browse: Browse) -> None:
    """A crafted `next` falls back to the first page."""
    page = await (await browse(None)).get("/sign-in?next=//evil.example/")
    assert 'name="next" value="/"' in page.text
