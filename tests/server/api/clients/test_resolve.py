"""Answers of phones: the first one stands, whoever sends which one after it."""

import asyncio
from typing import Any

import pytest

from appliance.database.identifiers import uuid7
from appliance.identity.records import SessionKind
from tests.server.api.clients.conftest import asked, published
from tests.support.desktop import Desktop
from tests.support.machines import bash
from tests.support.people import ledger_facts
from tests.support.phone import Phone
from tests.support.web_world import World
from tests.support.wire import formed, golden

QUESTION = {"question": "Which database?", "header": "DB", "multiSelect": False,
            "options": [{"label": "Staging", "description": "A copy"}, {"label": "Pro\u200bduction"}]}  # fmt: skip
# The starter pack lets agents ask their person; this installation wants to hear of it.
ASKING = '@id("ask-more") @ask("owner,approver") {} forbid (principal, action, resource) when {{ {} }};'


async def test_deny_with_words_and_its_repeat(world: World, phone: Phone) -> None:
    """The agent reads the words; the same answer again is answered alike, the opposite one with 409."""
    async with asked(world) as (held, ask):
        first = await phone.resolve(str(ask.id), "deny", "Use  the\n staging copy")
        assert formed(first) == golden("resolved_deny")
        assert "Use the staging copy" in (await held).text
        again = await phone.resolve(str(ask.id), "deny", "other words")
        assert (again.status_code, again.json()) == (200, first.json())
        late = await phone.resolve(str(ask.id), "allow")
        assert (late.status_code, late.json()["code"]) == (409, "ask_closed")
        assert late.json()["error"].startswith("You already answered this ask: deny")


async def test_allow_lets_the_call_go(world: World, phone: Phone) -> None:
    """Once; its repeat tells the same, and the opposite never wins."""
    async with asked(world) as (held, ask):
        first = await phone.resolve(str(ask.id), "allow", response={"ignored": True})
        assert formed(first) == golden("resolved_allow")
        assert '"allow"' in (await held).text
        assert (await phone.resolve(str(ask.id), "allow")).json() == first.json()
        assert (await phone.resolve(str(ask.id), "deny")).status_code == 409


async def test_an_agents_own_token_answers_nothing(world: World, desktop: Desktop, phone: Phone) -> None:
    """Least of all its own ask: 403 with words, and it is in the ledger; the ask waits on."""
    async with asked(world) as (held, ask):
        path = f"/v1/mobile/decisions/{ask.id}/resolve"
        reply = await desktop.call("mobileDecisionResolve", "POST", path, {"resolution": "allow"})
        assert (reply.status_code, reply.json()["code"]) == (403, "machine_may_not_answer")
        assert "phone" in reply.json()["error"]
        assert not held.done()
        assert [each["id"] for each in (await phone.refresh())["pendingApprovals"]] == [str(ask.id)]
    assert {"code": "machine_may_not_answer", "resolution": "allow"} in await ledger_facts("approval.refused")


async def test_own_asks_and_strangers_asks(world: World, mias_phone: Phone) -> None:
    """The requester is told that somebody else must; what nobody may see is not there; so are unknown ones."""
    async with asked(world) as (_, ask):
        own = await mias_phone.resolve(str(ask.id), "allow")
        assert own.status_code == 403
        assert own.json()["code"] in {"answerer_not_allowed", "self_approval_refused"}
    for unknown in (str(uuid7()), "x", "..%2f..", "%00"):
        reply = await mias_phone.resolve(unknown, "allow")
        assert reply.status_code == 404, unknown
        assert reply.json()["error"]


@pytest.mark.parametrize(
    "body",
    [
        {}, {"resolution": None}, {"resolution": "ask"}, {"resolution": ["allow"]}, {"resolution": "ALLOW"},
        {"resolution": "deny", "resolutionGuidance": 5}, {"resolution": "allow", "response": "yes"},
        {"resolution": "allow", "response": []},
    ],
)  # fmt: skip
async def test_what_is_no_answer_is_refused(world: World, phone: Phone, body: dict[str, Any]) -> None:
    """400 with words, and the ask waits on."""
    async with asked(world) as (held, ask):
        reply = await phone.call("mobileDecisionResolve", f"/v1/mobile/decisions/{ask.id}/resolve", body)
        assert (reply.status_code, bool(reply.json()["error"])) == (400, True)
        assert not held.done()


async def test_phone_and_browser_at_once(world: World, phone: Phone) -> None:
    """Fifty answers from both, allow and deny: one outcome, and each is told that or refused."""
    async with asked(world) as (held, ask):
        browser = {"resolution": "deny", "binding": ask.binding}
        replies = await asyncio.gather(
            *(phone.resolve(str(ask.id), "allow") for _ in range(25)),
            *(world.as_script(world.owner, "POST", f"/v1/approvals/{ask.id}/answer", browser) for _ in range(25)),
        )
        statuses = {reply.status_code for reply in replies}
        assert statuses == {200, 409}
        told = '"allow"' if replies[0].status_code == 200 else "deny"
        assert told in (await held).text


async def test_a_question_is_answered_with_content(world: World, phone: Phone) -> None:
    """The app shows the options with hidden characters marked; the agent gets its own words back."""
    await published(world, ASKING.format("", 'context.tool == "AskUserQuestion"'))
    call = {**bash("x"), "tool_name": "AskUserQuestion", "tool_input": {"questions": [QUESTION]}}
    async with asked(world, call) as (held, ask):
        state = await phone.refresh()
        [own] = state["pendingApprovals"]
        assert (own["attention_kind"], own["interaction"]["type"]) == ("question", "questions")
        assert state["attentionEvents"][0]["title"] == "Claude Code asks"
        asked_of = own["interaction"]["questions"][0]
        label = asked_of["options"][1]["label"]
        assert label == "Pro⟨U+200B⟩duction"
        response = {**own["interaction"]["originalInput"], "answers": {asked_of["question"]: label}}
        assert (await phone.resolve(str(ask.id), "allow", response=response)).status_code == 200
        given = (await held).json()["hookSpecificOutput"]["updatedInput"]["answers"]
        assert given == {"Which database?": "Pro\u200bduction"}


async def test_a_proof_that_an_app_cannot_give_is_asked_for_in_words(world: World, phone: Phone) -> None:
    """Where the policy wants one, the app is told where to go; a deny needs none."""
    session = await world.appliance.identity.sessions.create_script_session(
        world.owner.actor, world.owner.id, 60, world.appliance.clock()
    )
    await world.keep_as(session.token, SessionKind.DEVICE)  # a phone's session, which nobody has proved anything in
    phone.token = session.token
    await published(world, ASKING.format("@step_up", 'context.program == "deploy"'))
    async with asked(world, bash("deploy")) as (held, ask):
        [own] = (await phone.refresh())["pendingApprovals"]
        assert own["purpose_summary"].endswith(f"prove who you are at https://leash.example.org/approvals/{ask.id}")
        refused = await phone.resolve(str(ask.id), "allow")
        assert (refused.status_code, refused.json()["code"]) == (403, "answer_proof_missing")
        assert not held.done()
        assert (await phone.resolve(str(ask.id), "deny")).status_code == 200


async def test_a_number_that_an_app_cannot_type_is_asked_for_in_words(
    world: World, phone: Phone, mias_phone: Phone, desktop: Desktop
) -> None:
    """The requester sees it on the ask's page and in their app, nobody else does; who answers types it on the page."""
    asks = '@id("ask-more") @ask("owner") @match_number forbid (principal, action, resource) when '
    await published(world, asks + '{ context.program == "deploy" };')
    async with asked(world, bash("deploy")) as (held, ask):
        number, path = world.appliance.approvals.number_of(ask.id), f"/approvals/{ask.id}"
        [own] = (await phone.refresh())["pendingApprovals"]
        assert own["purpose_summary"].endswith(f"the requester sees at https://leash.example.org{path}")
        refused = await phone.resolve(str(ask.id), "allow")
        assert (refused.status_code, refused.json()["code"]) == (403, "answer_number_missing")
        shown = f'<strong class="big">{number}</strong>'
        assert shown not in (await world.as_browser(world.member, "GET", path)).text  # a script's token is no person
        assert "Tell the number" not in str(await mias_phone.refresh())
        await world.keep_as(world.member.token, SessionKind.DEVICE)
        assert shown in (await world.as_browser(world.member, "GET", path)).text
        [mias] = (await mias_phone.refresh())["pendingApprovals"]
        assert mias["purpose_summary"].startswith(f"Tell the number {number} to whoever answers.")
        for others in (await phone.refresh(), await desktop.poll()):
            assert "Tell the number" not in str(others)
        page = (await world.as_browser(world.owner, "GET", path)).text
        assert (shown in page, 'name="number"' in page) == (False, True)
        fields = {"resolution": "allow", "binding": ask.binding, "guidance": "", "number": number}
        token = {"csrf_token": await world.csrf(world.owner)}
        sent = await world.as_browser(world.owner, "POST", f"{path}/answer", data={**fields, **token})
        assert sent.status_code == 303, sent.text
        assert (await held).json()["hookSpecificOutput"]["permissionDecision"] == "allow"
