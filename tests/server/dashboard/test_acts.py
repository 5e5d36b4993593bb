"""What people do on the pages: answer, search, publish, enrol, invite, verify."""

import asyncio
import re
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from appliance.agents.records import DeploymentTerms, EnrolmentRequest
from appliance.agents.service import create_deployment_token, enroll
from appliance.approvals.queries import pending_asks
from appliance.bootstrap import Appliance, Road
from appliance.clock import utc_now
from appliance.decisions.records import Call, Requester
from appliance.identity.records import Role
from appliance.policy.queries import active_version
from server.dashboard.verification import verification_of
from tests.server.dashboard.conftest import Browse
from tests.support.people import OPERATOR, Someone, make_person
from tests.support.web import WebClient

FORCED = "git push --force origin main"
HIDDEN = "\u200b<b>x</b>"


async def _machine(email: str = "mia@example.org") -> Requester:
    made = await create_deployment_token(OPERATOR, DeploymentTerms(name="Laptops"), now=utc_now())
    request = EnrolmentRequest(deployment_token=made.token, hostname="laptop-1", platform="linux", email=email)
    machine = (await enroll(request, now=utc_now())).machine
    return Requester(machine_id=machine.id, person_id=machine.person_id, email=machine.email)


def _call(requester: Requester, command: str) -> Call:
    body: dict[str, Any] = {
        "hook_event_name": "PreToolUse", "session_id": "s1", "cwd": "/srv/project", "tool_name": "Bash",
        "tool_input": {"command": command, "description": HIDDEN}, "tool_use_id": "t1",
    }  # fmt: skip
    return Call(requester=requester, agent="claude", event="PreToolUse", body=body)


async def _asked(client: WebClient, command: str = FORCED) -> tuple["asyncio.Task[Any]", UUID, str]:
    """A held call, its ask, and the ask's binding."""
    road: Road = client.app.state.road
    held = asyncio.create_task(road.decisions.decide(_call(await _machine(), command)))
    for _ in range(200):
        if asks := await pending_asks(utc_now()):
            return held, asks[0].id, asks[0].binding
        await asyncio.sleep(0.02)
    raise AssertionError(await held)


async def test_an_ask_is_shown_exactly_and_allowed_once(browse: Browse, owner: Someone, client: WebClient) -> None:
    """The payload's hidden characters are marked, the answer lets the call go, and an opposite answer gets 409."""
    held, ask, binding = await _asked(client)
    browser = await browse(owner)
    page = await browser.get("/approvals")
    assert "1 ask waits for an answer" in page.text
    assert "&lt;b&gt;x&lt;/b&gt;" in page.text
    assert 'title="U+200B ZERO WIDTH SPACE">⟨U+200B⟩</span>' in page.text
    assert "<b>x" not in page.text
    assert "\u200b" not in page.text
    lists = await browser.get("/approvals", **{"HX-Request": "true"})
    assert "<html" not in lists.text
    whole = await browser.get(f"/approvals/{ask}/payload")
    assert whole.headers["content-type"] == "text/plain; charset=utf-8"
    assert whole.headers["x-content-type-options"] == "nosniff"
    assert "\\u200b" in whole.text
    stale = await browser.post(f"/approvals/{ask}/answer", resolution="allow", binding="0" * 64)
    assert stale.status_code == 409
    assert "belongs to another action" in stale.text
    done = await browser.post(f"/approvals/{ask}/answer", resolution="allow", binding=binding, guidance="fine")
    assert (done.status_code, done.headers["location"]) == (303, f"/approvals?answered={ask}")
    assert "deny" not in str(await held)
    late = await browser.post(f"/approvals/{ask}/answer", resolution="deny", binding=binding)
    assert late.status_code == 409
    assert "already" in late.text
    assert "released" in (await browser.get(f"/approvals/{ask}")).text


async def test_a_denial_carries_its_guidance(browse: Browse, owner: Someone, client: WebClient) -> None:
    """The agent reads why, and the page keeps it."""
    held, ask, binding = await _asked(client)
    browser = await browse(owner)
    await browser.post(f"/approvals/{ask}/answer", resolution="deny", binding=binding, guidance="Use a branch")
    assert "Use a branch" in str(await held)
    assert "Use a branch" in (await browser.get(f"/approvals/{ask}")).text


async def test_people_without_the_role_cannot_answer(
    browse: Browse, member: Someone, appliance: Appliance, client: WebClient
) -> None:
    """A member may not answer the own ask where the policy wants others; a stranger does not even see it."""
    held, ask, binding = await _asked(client)
    browser = await browse(member)
    assert "You cannot answer this ask" in (await browser.get("/approvals")).text
    refused = await browser.post(f"/approvals/{ask}/answer", resolution="allow", binding=binding)
    assert refused.status_code == 403
    stranger = await make_person(appliance.identity, Role.MEMBER, "zoe@example.org", utc_now())
    browser = await browse(stranger)
    assert (await browser.get(f"/approvals/{ask}")).status_code == 404
    held.cancel()
    await asyncio.gather(held, return_exceptions=True)


async def test_a_long_payload_is_cut_with_a_note_and_allowed_only_where_it_was_read(
    browse: Browse, owner: Someone, client: WebClient
) -> None:
    """The list shows the beginning, says how much it is and does not offer to allow; the ask's own page does."""
    held, ask, _ = await _asked(client, FORCED + " # " + "word " * 3_000)
    browser = await browse(owner)
    listed = (await browser.get("/approvals")).text
    assert "Only the first 3,000 of 15,03" in listed
    assert 'value="allow"' not in listed
    detail = (await browser.get(f"/approvals/{ask}")).text
    assert 'value="allow"' in detail
    assert "Only the first" not in detail
    held.cancel()
    await asyncio.gather(held, return_exceptions=True)


async def test_decisions_are_found_and_proved(
    browse: Browse, owner: Someone, member: Someone, appliance: Appliance, client: WebClient
) -> None:
    """Search narrows, the detail shows policies and the ledger's proof, and members see only their own."""
    road: Road = client.app.state.road
    await road.decisions.decide(_call(await _machine(), "ls -la"))
    await road.decisions.decide(_call(await _machine("zoe@example.org"), "echo other"))
    await appliance.ledger.seal()
    browser = await browse(owner)
    assert "echo other" in (await browser.get("/decisions")).text
    found = (await browser.get("/decisions?text=LS+-la&outcome=allow&agent=claude&since=2000-01-01")).text
    assert "echo other" not in found
    link = re.search(r'href="(/decisions/[0-9a-f-]{36})"', found)
    assert link
    detail = (await browser.get(link.group(1))).text
    assert "Inclusion proof" in detail
    assert "Everyday work is allowed" in detail
    assert "ls -la" in (await browser.get(link.group(1) + "/payload")).text
    browser = await browse(member)
    own = (await browser.get("/decisions")).text
    assert "ls -la" in own
    assert "echo other" not in own


async def test_a_policy_is_checked_published_and_rolled_back(browse: Browse, owner: Someone) -> None:
    """A wrong text is told with its line and kept in the editor; a right one decides; the old one comes back."""
    browser = await browse(owner)
    active = await active_version()
    assert active
    wrong = await browser.post(
        "/policies/edit", act="publish", text=active.text + "\npermit (", based_on="1", note="x", name="draft"
    )
    assert wrong.status_code == 422
    assert re.search(r"Line \d+:", wrong.text)
    assert "permit (" in wrong.text
    saved = await browser.post("/policies/edit", act="save", text="permit (", based_on="1", name="mine")
    assert "The draft is kept" in saved.text
    assert 'href="/policies/edit?draft=mine"' in (await browser.get("/policies")).text
    text = active.text + "\n// one more line\n"
    fields = {"act": "publish", "text": text, "based_on": "1", "note": "A comment", "name": "draft"}
    assert (await browser.post("/policies/edit", **fields)).status_code == 303
    conflict = await browser.post("/policies/edit", **fields)
    assert conflict.status_code == 409
    assert "one more line" in (await browser.get("/policies/versions/1")).text
    assert (await browser.post("/policies/versions/1/rollback", expected="2")).status_code == 303
    newest = await active_version()
    assert newest
    assert (newest.version, newest.text) == (3, active.text)


async def test_a_deployment_token_is_shown_once_and_revoked(browse: Browse, owner: Someone) -> None:
    """The page of its making holds the token and a ready command; the list never does."""
    browser = await browse(owner)
    assert (await browser.post("/agents/tokens", name="", days="30")).status_code == 400
    made = await browser.post("/agents/tokens", name="Laptops", days="30", max_uses="", email_domains="example.org")
    found = re.search(r"ol_deploy_[A-Za-z0-9_-]{43}", made.text)
    assert found
    assert "openleash enroll" in made.text
    listed = (await browser.get("/agents")).text
    assert found.group() not in listed
    revoke = re.search(r'action="(/agents/tokens/[0-9a-f-]{36}/revoke)"', listed)
    assert revoke
    assert (await browser.post(revoke.group(1))).status_code == 303
    assert "revoked" in (await browser.get("/agents")).text


async def test_a_person_is_invited_and_changed(browse: Browse, owner: Someone, appliance: Appliance) -> None:
    """The link is shown once and works; roles and state change; the last owner stays."""
    browser = await browse(owner)
    made = await browser.post("/people", display_name="Ben", email="ben@example.org", role="approver")
    link = re.search(r"https://testserver\.local(/claim/oll_[A-Za-z0-9_-]+)", made.text)
    assert link
    assert "Welcome, Ben" in (await browser.get(urlsplit(link.group(1)).path)).text
    ben = (await appliance.identity.people.by_email("ben@example.org")).id
    assert (await browser.post(f"/people/{ben}/grant", role="auditor")).status_code == 303
    assert (await browser.post(f"/people/{ben}/grant", role="emperor")).status_code == 400
    assert (await browser.post(f"/people/{ben}/disable")).status_code == 303
    assert "disabled" in (await browser.get("/people")).text
    last = await browser.post(f"/people/{owner.id}/disable")
    assert last.status_code >= 400
    assert "last owner" in last.text


async def test_the_ledger_is_verified_from_its_page(
    browse: Browse, owner: Someone, appliance: Appliance, client: WebClient
) -> None:
    """Verification runs in the background, one at a time, and its report is shown."""
    await appliance.ledger.seal()
    browser = await browse(owner)
    assert (await browser.post("/ledger/verify")).headers["location"] == "/ledger/verify"
    await verification_of(client.app.state).wait()
    assert "The ledger is intact" in (await browser.get("/ledger/verify")).text
    ledger = (await browser.get("/ledger?event=session.created")).text
    link = re.search(r'href="(/ledger/entries/[0-9a-f-]{36})"', ledger)
    assert link
    assert "Inclusion proof" in (await browser.get(link.group(1))).text
