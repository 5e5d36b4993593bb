"""Dangerous acts in the dashboard: they wait for a proof, and go on with what was typed."""

import dataclasses
import html
import os
import re
from datetime import timedelta

import pytest
from litestar.routes import HTTPRoute

from appliance.bootstrap import Appliance
from appliance.clock import utc_now
from appliance.database.connection import current_connection, read_connection
from appliance.database.transaction import transaction
from appliance.identity.break_glass.ports import NoAlarm
from appliance.identity.break_glass.service import BreakGlass
from appliance.identity.records import Role
from server.authentication import csrf_token, session_cookie_name
from server.dashboard.step_up import name_of
from tests.server.dashboard.conftest import ORIGIN, Browse, Browser
from tests.server.test_routes import filled
from tests.support.authenticator import Authenticator
from tests.support.people import HERE, OPERATOR, PASSWORD, Someone, ledger_events, make_person
from tests.support.web import WebClient

# Routes of machines and of people without a session; and the way out, which would end the session of the test.
_OTHERS = ("/v1/", "/scim/", "/auth/oidc/", "/sign-out", "/account/sessions")
_DANGEROUS_AT_LEAST = 12
DRAFT = '@id("starter")\npermit (principal, action, resource);\n// "quoted" & <b>\n'


@pytest.fixture
async def stale(appliance: Appliance, client: WebClient, owner: Someone) -> Browser:
    """The owner's browser, whose last proof was an hour ago."""
    return await _browser(appliance, client, owner, minutes=60)


async def _browser(appliance: Appliance, client: WebClient, someone: Someone, *, minutes: int) -> Browser:
    session = await appliance.identity.sign_ins.sign_in(
        email=someone.email, password=PASSWORD, code=someone.code(utc_now()), origin=HERE, now=utc_now()
    )
    async with transaction():
        await current_connection().execute(
            "UPDATE session SET stepped_up_at = $2 WHERE id = $1",
            session.session_id,
            utc_now() - timedelta(minutes=minutes),
        )
    client.cookies.clear()
    name = session_cookie_name(appliance.config.instance_name)
    client.cookies.set(name, session.token, domain="testserver.local", path="/")  # as an answer would set it
    return Browser(client, csrf_token(appliance.identity.csrf_key, session.session_id))


def _hidden(page: str) -> dict[str, str]:
    pairs = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page)
    return {name: html.unescape(value) for name, value in pairs}


def _cookie(client: WebClient, appliance: Appliance) -> str | None:
    return client.cookies.get(session_cookie_name(appliance.config.instance_name))


async def _published() -> int:
    async with read_connection() as connection:
        found: int = await connection.fetchval("SELECT count(*) FROM policy_version")
    return found


async def test_an_act_waits_for_the_code_and_goes_on_as_it_was_typed(
    appliance: Appliance, client: WebClient, owner: Someone, stale: Browser
) -> None:
    """Publish, prove, press once more: the very text is published, and the old cookie is dead."""
    before, old = await _published(), _cookie(client, appliance)
    version = appliance.policies.compiled.version if appliance.policies.compiled else 1
    asked = await stale.post(
        "/policies/edit", act="publish", text=DRAFT, note="A & B", based_on=str(version), name="draft"
    )
    assert asked.status_code == 303, asked.text
    way = asked.headers["location"]
    assert way.startswith("/step-up?act=")
    assert await _published() == before
    shown = await stale.get(way)
    assert "Is it you?" in shown.text
    act = _hidden(shown.text)["act"]
    wrong = await stale.post("/step-up", act=act, code="000000")
    assert wrong.status_code == 422
    assert _hidden(wrong.text)["act"] == act
    proved = await stale.post("/step-up", act=act, code=owner.code(utc_now()))
    assert proved.headers["location"] == f"/step-up/acts/{act}"
    assert _cookie(client, appliance) != old
    assert await appliance.identity.sessions.authenticate(old, utc_now()) is None
    waiting = await stale.get(proved.headers["location"])
    fields = _hidden(waiting.text)
    assert fields.pop("csrf_token") == stale.csrf
    assert 'action="/policies/edit"' in waiting.text
    assert fields["text"] == DRAFT
    done = await stale.post("/policies/edit", **fields)
    assert done.headers["location"] == "/policies?done=published", done.text
    assert await _published() == before + 1


async def test_which_acts_ask_for_a_proof(appliance: Appliance, stale: Browser, member: Someone) -> None:
    """Taking away, who may come in, making powerful, ending all of somebody's sessions, letting machines in.

    Inviting a member, or granting what only reads, is none of them.
    """
    person = f"/people/{member.id}"
    for path, fields in (
        ("/policies/versions/1/rollback", {}),
        (f"{person}/grant", {"role": "administrator"}),
        (f"{person}/grant", {"role": "security"}),
        (f"{person}/grant", {"role": "approver"}),
        (f"{person}/take", {"role": "member"}),
        (f"{person}/disable", {}),
        (f"{person}/enable", {}),
        (f"{person}/reset", {}),
        (f"{person}/sessions/revoke-all", {}),
        ("/people", {"display_name": "Eve", "email": "eve@example.org", "role": "owner"}),
        ("/agents/tokens", {"name": "Laptops", "days": "30"}),
    ):
        reply = await stale.post(path, **fields)
        assert reply.headers["location"].startswith("/step-up?act="), path
    invited = await stale.post("/people", display_name="Max", email="max@example.org", role="member")
    assert invited.status_code == 201
    granted = await stale.post(f"{person}/grant", role="auditor")
    assert granted.headers["location"] == "/people?done=changed"
    assert (await appliance.identity.people.by_email("mia@example.org")).roles == {Role.MEMBER, Role.AUDITOR}


async def test_every_act_that_waits_for_a_proof_is_called_by_name(client: WebClient, stale: Browser) -> None:
    """Over the whole table of routes: whatever leads to a proof says there what it is that waits."""
    waiting = set()
    for route in client.app.routes:
        if not isinstance(route, HTTPRoute) or "POST" not in route.methods or route.path.startswith(_OTHERS):
            continue
        for change in ("take", "confirm"):
            path = filled(route.path.replace("{change:str}", change))
            reply = await stale.post(path, role="owner", act="publish")
            if reply.headers.get("location", "").startswith("/step-up?act="):
                waiting.add(path)
                assert name_of(path), path
    assert len(waiting) >= _DANGEROUS_AT_LEAST
    assert name_of("/decisions") == ""


async def test_a_fresh_sign_in_needs_no_second_proof(
    appliance: Appliance, client: WebClient, owner: Someone, member: Someone
) -> None:
    """For ten minutes."""
    browser = await _browser(appliance, client, owner, minutes=9)
    done = await browser.post(f"/people/{member.id}/disable")
    assert done.headers["location"] == "/people?done=changed"


async def test_the_api_says_what_to_do(appliance: Appliance, client: WebClient, owner: Someone, stale: Browser) -> None:
    """A browser's session gets a problem with a stable code and the next step; a script's gets through."""
    body = {"text": DRAFT, "note": "n", "expected_version": 999}
    laptops = {"name": "Laptops"}
    for path, sent in (("/v1/policies", body), ("/v1/deployment-tokens", laptops)):
        told = await client.post(path, json=sent, headers={"x-csrf-token": stale.csrf, "origin": ORIGIN})
        assert (told.status_code, told.json()["code"]) == (403, "step_up_required")
        assert "/step-up" in told.json()["next_step"]
    client.cookies.clear()
    script = await client.post("/v1/policies", json=body, headers={"authorization": f"Bearer {owner.token}"})
    assert script.json()["code"] == "policy_conflict"
    made = await client.post("/v1/deployment-tokens", json=laptops, headers={"authorization": f"Bearer {owner.token}"})
    assert made.status_code == 201


async def test_a_kept_act_is_nobody_elses(
    appliance: Appliance, client: WebClient, member: Someone, stale: Browser
) -> None:
    """Another session finds nothing under its address."""
    asked = await stale.post(f"/people/{member.id}/disable")
    act = asked.headers["location"].partition("act=")[2]
    other = await _browser(appliance, client, member, minutes=0)
    assert (await other.get(f"/step-up/acts/{act}")).status_code == 410


async def test_a_proof_leads_nowhere_else(owner: Someone, stale: Browser) -> None:
    """The way on is a path of ours, whatever the address says."""
    for evil in ("https://evil.example", "//evil.example", "javascript:alert(1)"):
        page = await stale.get(f"/step-up?next={evil}")
        assert "evil" not in page.text
        assert "javascript" not in page.text
    done = await stale.post("/step-up", next="//evil.example", code=owner.code(utc_now()))
    assert done.headers["location"] == "/"


async def test_devices_are_listed_and_ended(
    appliance: Appliance, client: WebClient, owner: Someone, member: Someone
) -> None:
    """One's own on the account page and by the API, and anybody's by who manages people."""
    browser = await _browser(appliance, client, owner, minutes=0)
    listed = (await client.get("/v1/account/sessions")).json()
    assert listed["current"] in {each["id"] for each in listed["sessions"]}
    other = next(each["id"] for each in listed["sessions"] if each["id"] != listed["current"])
    proof = {"x-csrf-token": browser.csrf, "origin": ORIGIN}
    assert (await client.delete(f"/v1/account/sessions/{other}", headers=proof)).status_code == 204
    assert (await client.delete(f"/v1/account/sessions/{other}", headers=proof)).status_code == 404
    ended = await client.delete("/v1/account/sessions", headers=proof)
    assert ended.json() == {"ended": len(listed["sessions"]) - 2}
    await browser.post("/account/sessions/revoke-others")
    assert "this one" in (await browser.get("/account")).text
    shown = await browser.get(f"/people/{member.id}/sessions")
    assert "Mia" in shown.text
    await browser.post(f"/people/{member.id}/sessions/revoke-all")
    assert await appliance.identity.sessions.authenticate(member.token, utc_now()) is None


async def test_passkeys_are_registered_and_used_by_pages(
    appliance: Appliance, client: WebClient, owner: Someone
) -> None:
    """Question, answer, list; then sign-in by it; a stale session is sent to prove itself first."""
    device = Authenticator(ORIGIN)
    stale = await _browser(appliance, client, owner, minutes=60)
    told = await client.post(
        "/account/passkeys/begin", headers={"x-csrf-token": stale.csrf, "accept": "application/json", "origin": ORIGIN}
    )
    assert (told.status_code, told.json()["code"]) == (403, "step_up_required")
    await stale.post("/step-up", code=owner.code(utc_now()))
    asked = await stale.post("/account/passkeys/begin")
    added = await stale.post("/account/passkeys", name="My <b>laptop", answer=device.register(asked.text))
    assert added.status_code == 303, added.text
    page = (await stale.get("/account/passkeys")).text
    assert "My &lt;b&gt;laptop" in page
    client.cookies.clear()
    asked = await stale.post("/sign-in/passkey/begin")
    signed = await stale.post("/sign-in/passkey", answer=device.use(asked.text), next="/account")
    assert (signed.status_code, signed.headers["location"]) == (303, "/account")
    assert (await stale.get("/account")).status_code == 200
    assert (await stale.post("/sign-in/passkey", answer="{}")).status_code == 401


async def test_a_second_person_confirms_on_the_page(
    appliance: Appliance, client: WebClient, owner: Someone, member: Someone, browse: Browse
) -> None:
    """The first one waits on their page; an owner who has proved who they are lets them in; others cannot."""
    together = BreakGlass(appliance.identity, people=2, alarm=NoAlarm(), random_bytes=os.urandom)
    client.app.state.appliance = dataclasses.replace(appliance, break_glass=together)
    sheet = await together.seal(OPERATOR, "glass@example.org", utc_now())
    stranger = await browse(None)
    begun = await stranger.post("/break-glass", password=sheet.password, token=sheet.token)
    assert "A second person must confirm" in begun.text
    token = _hidden(begun.text)["token"]
    assert (await stranger.post("/break-glass/open", token=token)).status_code == 409
    [waiting] = await together.waiting(utc_now())
    assert (await (await browse(member)).post(f"/break-glass/{waiting.id}/confirm")).status_code == 403
    administrator = await browse(
        await make_person(appliance.identity, Role.ADMINISTRATOR, "adm@example.org", utc_now())
    )
    sheet_page = (await administrator.get("/break-glass")).text
    assert ("Stop it" in sheet_page, "Let them in as owner" in sheet_page) == (True, False)
    assert (await administrator.post(f"/break-glass/{waiting.id}/confirm")).status_code == 403
    stale = await _browser(appliance, client, owner, minutes=60)
    assert "Let them in as owner" in (await stale.get("/break-glass")).text
    asked = await stale.post(f"/break-glass/{waiting.id}/confirm")
    assert asked.headers["location"].startswith("/step-up?act=")
    await stale.post("/step-up", code=owner.code(utc_now()))
    assert (await stale.post(f"/break-glass/{waiting.id}/confirm")).status_code == 303
    assert "Come in as owner" in (await (await browse(None)).get(f"/break-glass/open/{token}")).text
    opened = await stranger.post("/break-glass/open", token=token)
    assert opened.status_code == 303, opened.text


async def test_the_broken_glass_is_seen_on_every_page(
    appliance: Appliance, client: WebClient, owner: Someone, member: Someone, browse: Browse
) -> None:
    """The sheet opens a session; whoever is signed in sees a banner until it is over."""
    glass = await make_person(appliance.identity, Role.OWNER, "glass@example.org", utc_now())
    sheet = await appliance.break_glass.seal(OPERATOR, glass.email, utc_now())
    stranger = await browse(None)
    assert (await stranger.post("/break-glass", password="aaaa", token="aaaa")).status_code == 401
    opened = await stranger.post("/break-glass", password=sheet.password, token=sheet.token)
    assert opened.status_code == 303, opened.text
    assert "The glass is broken" in (await stranger.get("/")).text
    for path in ("/", "/account"):
        assert "The glass is broken" in (await (await browse(member)).get(path)).text
    assert "The glass is broken" not in (await (await browse(None)).get("/sign-in")).text
    assert (await ledger_events())["break_glass.opened"] == 1
