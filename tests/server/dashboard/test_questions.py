"""Questions and plans of agents on the pages: shown as text, answered by a form, and told to the agent."""

import asyncio
import re
from typing import Any

from appliance.approvals.queries import pending_asks
from appliance.approvals.records import Ask
from appliance.bootstrap import Appliance, Road
from appliance.clock import utc_now
from appliance.database.identifiers import uuid7
from appliance.decisions.records import Call, Requester
from appliance.policy.service import publish
from tests.server.dashboard.conftest import Browse
from tests.support.people import OPERATOR, Someone
from tests.support.questions import FIRST, POLICY, QUESTIONS, SECOND, asking, planning
from tests.support.web import WebClient


async def _held(client: WebClient, appliance: Appliance, body: dict[str, Any]) -> tuple["asyncio.Task[Any]", Ask]:
    """A call that waits for people, and its ask."""
    if appliance.policies.version == 1:
        await publish(OPERATOR, POLICY, "questions", utc_now(), expected_version=1)
        await appliance.policies.reload()
    road: Road = client.app.state.road
    call = Call(requester=Requester(machine_id=uuid7()), agent="claude", event="PreToolUse", body=body)
    held = asyncio.create_task(road.decisions.decide(call))
    for _ in range(200):
        if asks := await pending_asks(utc_now()):
            return held, asks[0]
        await asyncio.sleep(0.02)
    raise AssertionError(await held)


async def test_a_person_answers_the_questions_of_an_agent(
    browse: Browse, owner: Someone, client: WebClient, appliance: Appliance
) -> None:
    """One option, several options and words of one's own; the agent gets them in its own input."""
    held, ask = await _held(client, appliance, asking())
    browser = await browse(owner)
    listed = (await browser.get("/approvals")).text
    assert ("asks 2 questions" in listed, "Answer the questions" in listed) == (True, True)
    page = (await browser.get(f"/approvals/{ask.id}")).text
    assert "Which database &lt;b&gt;shall&lt;/b&gt; it be?" in page
    assert re.findall(r'type="(radio|checkbox)" name="(\w+)"', page) == [
        ("radio", "q0"), ("radio", "q0"), ("checkbox", "q1_0"), ("checkbox", "q1_1"),
    ]  # fmt: skip
    fields = {"q0": "0", "t0": "", "q1_1": "1", "t1": "and the moon"}
    done = await browser.post(f"/approvals/{ask.id}/answer", resolution="allow", binding=ask.binding, **fields)
    assert done.status_code == 303
    reply = await asyncio.wait_for(held, 5)
    given = {FIRST: "PostgreSQL", SECOND: "Asia, and the moon"}
    assert reply["hookSpecificOutput"]["updatedInput"] == {**QUESTIONS, "answers": given}
    shown = (await browser.get(f"/approvals/{ask.id}")).text
    assert re.search(r"<dd>\s*Asia\s*,\s*and the moon\s*</dd>", shown)


async def test_questions_may_be_left_to_the_agents_own_screen(
    browse: Browse, owner: Someone, client: WebClient, appliance: Appliance
) -> None:
    """An allow without an answer changes no input; words count in place of an option."""
    held, ask = await _held(client, appliance, asking())
    browser = await browse(owner)
    await browser.post(f"/approvals/{ask.id}/answer", resolution="allow", binding=ask.binding, q0="9", t1=" ")
    assert "updatedInput" not in (await asyncio.wait_for(held, 5))["hookSpecificOutput"]
    held, ask = await _held(client, appliance, asking())
    await browser.post(f"/approvals/{ask.id}/answer", resolution="allow", binding=ask.binding, q0="1", t0="Neither")
    reply = await asyncio.wait_for(held, 5)
    assert reply["hookSpecificOutput"]["updatedInput"]["answers"] == {FIRST: "Neither"}


async def test_a_plan_is_read_as_text(browse: Browse, owner: Someone, client: WebClient, appliance: Appliance) -> None:
    """No markup of an agent is obeyed, and what hides itself is marked."""
    held, ask = await _held(client, appliance, planning())
    browser = await browse(owner)
    assert "Read the plan" in (await browser.get("/approvals")).text
    page = (await browser.get(f"/approvals/{ask.id}")).text
    assert ("<h2>The plan</h2>" in page, "<script>alert" in page, "⟨U+202E⟩" in page) == (True, False, True)
    await browser.post(
        f"/approvals/{ask.id}/answer", resolution="deny", binding=ask.binding, guidance="Write tests first"
    )
    assert "Write tests first" in str(await asyncio.wait_for(held, 5))


async def test_a_script_answers_and_is_told_what_does_not_fit(
    browse: Browse, owner: Someone, client: WebClient, appliance: Appliance
) -> None:
    """`response` of the API: another question gets 422 and changes nothing, a label lets the call go."""
    held, ask = await _held(client, appliance, asking())
    await browse(None)
    headers = {"authorization": f"Bearer {owner.token}"}
    path = f"/v1/approvals/{ask.id}"
    told = (await client.get(path, headers=headers)).json()["ask"]
    assert (told["attention_kind"], told["interaction"]["type"]) == ("question", "questions")
    body: dict[str, Any] = {"resolution": "allow", "binding": ask.binding, "response": {"answers": {"Which day?": "x"}}}
    refused = await client.post(f"{path}/answer", headers=headers, json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "response_refused")
    body["response"] = {**told["interaction"]["originalInput"], "answers": {FIRST: "SQLite"}}
    assert (await client.post(f"{path}/answer", headers=headers, json=body)).json()["ask"]["answers"] == {
        FIRST: "SQLite"
    }
    assert (await asyncio.wait_for(held, 5))["hookSpecificOutput"]["updatedInput"]["answers"] == {FIRST: "SQLite"}
