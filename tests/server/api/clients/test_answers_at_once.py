"""Answers that arrive together over HTTP are read one after the other."""

import asyncio

from appliance.approvals.queries import ask_by_id
from appliance.approvals.records import AskState
from appliance.clock import utc_now
from appliance.identity.records import Role
from tests.server.api.clients.conftest import asked, published
from tests.support.machines import bash
from tests.support.people import make_person
from tests.support.web_world import World

DEPLOYS = '@id("ask-more") @ask("owner") @match_number forbid (principal, action, resource) when {{ {} }};'
ASKS = '@id("ask-more") @ask("owner,approver") @quorum("2") forbid (principal, action, resource) when {{ {} }};'
QUESTION = {"question": "Where?", "options": [{"label": "staging"}, {"label": "production"}]}


async def test_ninety_numbers_at_once_are_one_guess(world: World) -> None:
    """The ask is denied by the first that is read, and no call goes."""
    await published(world, DEPLOYS.format('context.program == "deploy"'))
    async with asked(world, bash("deploy")) as (held, ask):
        right = world.appliance.approvals.number_of(ask.id)
        guesses = [number for number in map(str, range(10, 100)) if number != right] + [right]
        body = {"resolution": "allow", "binding": ask.binding}
        path = f"/v1/approvals/{ask.id}/answer"
        replies = await asyncio.gather(
            *(world.as_script(world.owner, "POST", path, {**body, "number": each}) for each in guesses)
        )
        told = [reply.json()["code"] for reply in replies]
        assert sorted(told) == ["answer_number_wrong", *["ask_closed"] * 89]
        assert (await ask_by_id(ask.id)).state is AskState.DENIED
        assert '"deny"' in (await held).text


async def test_people_who_answer_differently_at_once_let_nothing_go(world: World) -> None:
    """One of them is told that somebody has answered otherwise, and can still agree to it."""
    bob = await make_person(world.appliance.identity, Role.APPROVER, "bob@example.org", utc_now())
    await published(world, ASKS.format('context.tool == "AskUserQuestion"'))
    call = {**bash("x"), "tool_name": "AskUserQuestion", "tool_input": {"questions": [QUESTION]}}
    async with asked(world, call) as (held, ask):
        body = {"resolution": "allow", "binding": ask.binding}
        path = f"/v1/approvals/{ask.id}/answer"
        said = [{**body, "response": {"answers": {"Where?": place}}} for place in ("staging", "production")]
        people = (world.owner, bob)
        replies = await asyncio.gather(
            *(world.as_script(who, "POST", path, each) for who, each in zip(people, said, strict=True))
        )
        assert sorted(reply.status_code for reply in replies) == [200, 422]
        current = await ask_by_id(ask.id)
        assert (current.state, current.allows, held.done()) == (AskState.PENDING, 1, False)
        later = people[[reply.status_code for reply in replies].index(422)]
        agreed = await world.as_script(later, "POST", path, body)
        assert agreed.status_code == 200, agreed.text
        given = (await held).json()["hookSpecificOutput"]["updatedInput"]["answers"]
        assert given == current.answers
