"""A question that waits in the module's application, and clients that speak to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from appliance.approvals.queries import pending_asks
from appliance.approvals.records import Ask
from appliance.clock import utc_now
from tests.support.desktop import Desktop
from tests.support.machines import bash
from tests.support.phone import Phone
from tests.support.web_world import World

FORCED = "git push --force origin main"


@asynccontextmanager
async def asked(world: World, body: Any = None, **more: Any) -> AsyncIterator[tuple["asyncio.Task[Any]", Ask]]:  # noqa: ANN401
    """A call that policy asks about, held, with its ask; at the end the owner denies it, if nobody has answered."""
    known = {ask.id for ask in await pending_asks(utc_now())}
    held = asyncio.create_task(world.hook(body or bash(FORCED), **more))
    async with asyncio.timeout(5):
        while not (found := [ask for ask in await pending_asks(utc_now()) if ask.id not in known]):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    try:
        yield held, found[0]
    finally:
        body = {"resolution": "deny", "binding": found[0].binding}
        await world.as_script(world.owner, "POST", f"/v1/approvals/{found[0].id}/answer", body)
        await held


async def published(world: World, policy: str) -> None:
    """Add a policy to those of the installation."""
    active = (await world.as_script(world.owner, "GET", "/v1/policies/active")).json()
    body = {"text": active["text"].partition('@id("ask-more")')[0] + policy, "note": "more",
            "expected_version": active["version"]}  # fmt: skip
    published = await world.as_script(world.owner, "POST", "/v1/policies", body)
    assert published.status_code in {200, 201}, published.text
    async with asyncio.timeout(5):
        while world.appliance.policies.version == active["version"]:  # noqa: ASYNC110 - an outsider's view
            await asyncio.sleep(0.02)


@pytest.fixture
def phone(world: World) -> Phone:
    """The owner's phone."""
    made = Phone(world.client)
    made.token = world.owner.token
    return made


@pytest.fixture
def mias_phone(world: World) -> Phone:
    """The phone of a member, whose machine it is that asks."""
    made = Phone(world.client)
    made.token = world.member.token
    return made


@pytest.fixture
def desktop(world: World) -> Desktop:
    """The desktop of the machine that asks, with the machine's own token."""
    made = Desktop(world.client, "laptop-1")
    made.token = world.machine_token
    return made
