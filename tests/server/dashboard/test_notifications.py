"""The pages of notifications: what their forms change, and what they say of what they refuse."""

import re
from collections.abc import AsyncIterator

import pytest
from httpx import Response

from appliance.clock import utc_now
from appliance.config.notifications import Notifications
from appliance.identity.records import Role
from appliance.notifications import on_call
from appliance.notifications.preferences import preferences_of
from tests.support.people import Someone, make_person
from tests.support.postgres import TestPostgres
from tests.support.web_world import World, web_world

OWN = "/account/notifications"


@pytest.fixture(scope="module")
async def world(postgres: TestPostgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """An installation whose people may choose topics of ntfy."""
    settings = Notifications(ntfy_hosts=("ntfy.example.org",))
    async with web_world(postgres, tmp_path_factory.mktemp("state"), notifications=settings) as running:
        yield running


async def post(world: World, who: Someone, path: str, **fields: str) -> Response:
    """A form of our own page."""
    return await world.as_browser(who, "POST", path, data={"csrf_token": await world.csrf(who), **fields})


async def page(world: World, who: Someone, path: str) -> str:
    """A page that opens."""
    reply = await world.as_browser(who, "GET", path)
    assert reply.status_code == 200
    return reply.text


async def test_quiet_hours_and_kinds_are_saved(world: World) -> None:
    """A box that is not ticked mutes; the page shows it again, and a wrong time is refused in words."""
    sent = await post(
        world, world.member, f"{OWN}/preferences", quiet_from="22:00", quiet_until="07:30",
        time_zone="Europe/Berlin", **{"web_push:ask.opened": "on"},
    )  # fmt: skip
    assert sent.status_code == 303
    kept = (await preferences_of([world.member.id]))[world.member.id]
    assert (kept.quiet_from, kept.quiet_until, kept.wakes_for_high) == (1320, 450, False)
    assert "web_push:ask.opened" not in kept.muted
    assert {"ntfy:ask.opened", "web_push:directory.held"} <= kept.muted
    shown = await page(world, world.member, OWN)
    assert ('value="22:00"' in shown, 'name="web_push:ask.opened" checked' in shown) == (True, True)
    wrong = await post(world, world.member, f"{OWN}/preferences", quiet_from="25:00", time_zone="UTC")
    assert wrong.status_code == 422
    assert "is not a time" in wrong.text


async def test_a_topic_is_added_tested_and_removed(world: World) -> None:
    """Of a host that the settings list; its address and token are shown nowhere."""
    refused = await post(world, world.member, f"{OWN}/topics", url="https://127.0.0.1/x", label="x")
    assert refused.status_code == 422
    assert "do not list" in refused.text
    fields = {"url": "https://ntfy.example.org/secret-topic", "token": "tk_verysecret", "label": "<b>phone</b>"}
    assert (await post(world, world.member, f"{OWN}/topics", **fields)).status_code == 303
    shown = await page(world, world.member, OWN)
    assert "&lt;b&gt;phone&lt;/b&gt;" in shown
    assert ("secret-topic" in shown, "verysecret" in shown) == (False, False)
    (address,) = re.findall(rf'action="{OWN}/([0-9a-f-]{{36}})/remove"', shown)
    assert (await post(world, world.member, f"{OWN}/test", address=address)).status_code == 303
    assert (await post(world, world.owner, f"{OWN}/test", address=address)).status_code == 404
    assert (await post(world, world.member, f"{OWN}/test", address="email")).status_code == 409
    assert (await post(world, world.owner, f"{OWN}/{address}/remove")).status_code == 404
    assert (await post(world, world.member, f"{OWN}/{address}/remove")).status_code == 303


async def test_a_webhook_is_set_up_by_form(world: World) -> None:
    """Its secret is on that one page; a rotation shows another; a change that does not exist is refused."""
    fields = {"name": "alerts", "channel": "webhook", "url": "https://hooks.example.org/x", "kind:ask.opened": "on"}
    made = await post(world, world.owner, "/notifications/webhooks", **fields)
    assert made.status_code == 201
    (secret,) = set(re.findall(r"whsec_[A-Za-z0-9+/]+=*", made.text))
    shown = await page(world, world.owner, "/notifications")
    assert secret not in shown
    assert "hooks.example.org" in shown
    (webhook,) = re.findall(r'action="/notifications/webhooks/([0-9a-f-]{36})/remove"', shown)
    rotated = await post(world, world.owner, f"/notifications/webhooks/{webhook}/rotate")
    assert re.findall(r"whsec_[A-Za-z0-9+/]+=*", rotated.text) not in ([], [secret])
    assert (await post(world, world.owner, f"/notifications/webhooks/{webhook}/test")).status_code == 303
    assert (await post(world, world.owner, f"/notifications/webhooks/{webhook}/explode")).status_code == 400
    assert (await post(world, world.owner, f"/notifications/webhooks/{webhook}/remove")).status_code == 303
    assert (await post(world, world.owner, f"/notifications/webhooks/{webhook}/remove")).status_code == 404


async def test_an_order_is_typed_as_addresses(world: World) -> None:
    """One on each line; somebody who is not here is named, and nothing is changed."""
    ann = await make_person(world.appliance.identity, Role.APPROVER, "ann@example.org", utc_now())
    people = f" ANN@example.org \n\n{world.owner.email}"
    sent = await post(world, world.owner, "/notifications/on-call", role="approver", people=people)
    assert sent.status_code == 303
    assert await on_call.orders() == {"approver": (ann.id, world.owner.id)}
    assert "1. Ann, 2. Ada Lovelace" in re.sub(r"\s+", " ", await page(world, world.owner, "/notifications"))
    wrong = await post(world, world.owner, "/notifications/on-call", role="approver", people="eve@example.org")
    assert wrong.status_code == 422
    assert "eve@example.org" in wrong.text
    assert await on_call.orders() == {"approver": (ann.id, world.owner.id)}
