"""Each agent and event over HTTP: its own words whatever comes, and everything that was sent is kept, masked."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import msgspec
import pytest

from appliance.agents import dialects
from appliance.agents.dialects import DIALECTS
from appliance.config.sections import Hooks
from appliance.decisions.queries import find_decisions
from appliance.decisions.records import DecisionFilter
from appliance.ledger.queries import entry_detail
from server.hooks.reading import envelope_of
from tests.appliance.agents.test_golden import RECORDINGS
from tests.support.postgres import TestPostgres
from tests.support.web_world import World, web_world

EVENTS = [(agent, event) for agent, dialect in DIALECTS.items() for event in dialect.events]
MALFORMED = [b'{"a":1,"a":2}', b"[]", b'{"a":NaN}', b'{"a":"\\ud800"}', b'{"cwd":5}', b"{"]
AT_A_TIME = asyncio.Semaphore(12)
TOKEN = "ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"


@pytest.fixture(scope="module")
async def world(postgres: TestPostgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A world in which nobody is waited for longer than two seconds."""
    settings = Hooks(hold_seconds=2, decision_timeout_seconds=2, requests_per_second=10_000, burst=100_000)
    async with web_world(postgres, tmp_path_factory.mktemp("state"), hooks=settings) as opened:
        yield opened


def shape(reply: Any) -> Any:  # noqa: ANN401 - JSON
    """A reply without the words that people read."""
    if isinstance(reply, Mapping):
        return {name: shape(value) for name, value in reply.items()}
    return "words" if isinstance(reply, str) and " " in reply else reply


async def told(world: World, agent: str, event: str, body: object) -> tuple[str, str, httpx.Response]:
    """One call; few at a time, so that none of them waits until it is denied for that."""
    async with AT_A_TIME:
        return agent, event, await world.hook(body, agent=agent, event=event)


@pytest.mark.parametrize("body", MALFORMED)
async def test_a_malformed_body_is_denied_in_every_agents_own_words(world: World, body: bytes) -> None:
    """Status 200, for each agent and event."""
    for agent, event, reply in await asyncio.gather(*(told(world, *place, body) for place in EVENTS)):
        assert reply.status_code == 200, (agent, event)
        assert shape(reply.json()) == shape(dialects.deny(agent, event, "some words")), (agent, event)


async def test_everything_that_was_sent_is_kept(world: World) -> None:
    """Fields that nobody knows as well, with secrets masked; and each answer is the agent's own allow or deny."""
    more = {"a field of tomorrow": {"deep": ["kept", TOKEN]}}
    calls = [told(world, agent, event, {**each["body"], **more}) for agent, event, each in RECORDINGS]
    for agent, event, reply in await asyncio.gather(*calls):
        own = [shape(answer(agent, event, "some words")) for answer in (dialects.allow, dialects.deny)]
        assert reply.status_code == 200, (agent, event)
        assert shape(reply.json()) in own, (agent, event, reply.json())
    found = await find_decisions(DecisionFilter(limit=2_000))
    kept = [await _kept(each.id) for each in found]
    assert kept.count("kept") == len(RECORDINGS)


async def _kept(decision: Any) -> str:  # noqa: ANN401 - a UUID
    (content,) = [part.content for part in (await entry_detail(decision)).parts if part.part == "payload"]
    action = msgspec.json.decode(content)["action"]
    field = action.get("a field of tomorrow", {"deep": ["", ""]})
    assert TOKEN not in content
    assert not field["deep"][1] or "[secret" in field["deep"][1]
    return str(field["deep"][0])


async def test_secrets_in_a_result_are_masked_for_the_model_too(world: World) -> None:
    """Where policy allows it and the agent takes another result; a result without secrets stays."""
    body = {"tool_name": "Bash", "tool_input": {"command": "env"}, "tool_response": {"stdout": f"T={TOKEN}"}}
    reply = (await world.hook(body, event="PostToolUse")).json()
    shown = reply["hookSpecificOutput"]["updatedToolOutput"]["stdout"]
    assert (reply["continue"], shown.startswith("T=[secret"), TOKEN in shown) == (True, True, False)
    quiet = {**body, "tool_response": {"stdout": "All is well."}, "tool_input": {"command": f"echo {TOKEN} # end"}}
    assert (await world.hook(quiet, event="PostToolUse")).json() == {"continue": True}


async def test_results_stay_as_they_are_where_that_is_wanted(
    postgres: TestPostgres, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """`hooks.mask_results = false`."""
    async with web_world(postgres, tmp_path_factory.mktemp("state"), hooks=Hooks(mask_results=False)) as world:
        body = {"tool_name": "Bash", "tool_input": {"command": "env"}, "tool_response": f"T={TOKEN}"}
        assert (await world.hook(body, event="PostToolUse")).json() == {"continue": True}


@pytest.mark.parametrize(
    ("query", "seconds"),
    [("timeout_seconds=30", 30.0), ("timeout_seconds=-1", None), ("timeout_seconds=1e9", None), ("", None),
     ("timeout_seconds=999999", None), ("timeout_seconds=", None)],
)  # fmt: skip
def test_a_hook_tells_its_own_time_out_in_whole_seconds(query: str, seconds: float | None) -> None:
    """Whatever is none counts as not told."""
    scope: Any = {"query_string": f"user_token=ol_x&{query}".encode(), "headers": []}
    envelope = envelope_of(scope)
    assert (envelope.token, envelope.timeout_seconds) == ("ol_x", seconds)
