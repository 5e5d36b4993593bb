"""Notifications over the API: one's own channels, webhooks, the on-call order, and what is refused."""

import json
from typing import Any

import pytest

from appliance.clock import utc_now
from appliance.database.identifiers import uuid7
from appliance.identity.records import Role
from tests.support.people import Someone, make_person
from tests.support.push_receiver import PushReceiver
from tests.support.web_world import World

ENDPOINT = "https://fcm.googleapis.com/fcm/send/abc"


def subscription(endpoint: str = ENDPOINT) -> dict[str, Any]:
    """What a browser tells of itself, as `toJSON()` has it."""
    receiver = PushReceiver()
    keys = {"p256dh": receiver.p256dh, "auth": receiver.auth}
    return {"endpoint": endpoint, "expirationTime": None, "keys": keys, "label": "my phone"}


async def code_of(world: World, who: Someone, method: str, path: str, body: object = None) -> str:
    """The code of a refusal."""
    reply = await world.as_script(who, method, path, body)
    assert 400 <= reply.status_code < 500, reply.text
    return str(reply.json()["code"])


async def test_a_browser_subscribes_and_gives_up(world: World) -> None:
    """Once, however often it says so; nobody else sees it, and the address is told to nobody."""
    key = (await world.as_script(world.member, "GET", "/v1/push/key")).json()["public_key"]
    assert len(key) == 87
    for _ in range(2):
        made = await world.as_script(world.member, "POST", "/v1/push/subscriptions", body=subscription())
        assert made.status_code == 201, made.text
    listed = await world.as_script(world.member, "GET", "/v1/notifications/channels")
    assert [each["label"] for each in listed.json()["addresses"]] == ["my phone"]
    assert "fcm.googleapis.com/fcm" not in listed.text
    other = (await world.as_script(world.owner, "GET", "/v1/notifications/channels")).json()
    assert (other["addresses"], other["available"]) == ([], ["web_push"])
    body = {"endpoint": ENDPOINT}
    assert await code_of(world, world.owner, "DELETE", "/v1/push/subscriptions", body=body) == (
        "notification_address_unknown"
    )
    gone = await world.as_script(world.member, "DELETE", "/v1/push/subscriptions", body=body)
    assert gone.status_code == 204


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://push.example.org/x", "http://fcm.googleapis.com/x", "https://127.0.0.1/", "https://localhost/",
        "file:///etc/passwd", "https://fcm.googleapis.com@127.0.0.1/", "https://fcm.googleapis.com.evil.example/",
        "https://169.254.169.254/", "https://2130706433/", "", "https://fcm.googleapis.com/\u202e", "x" * 2000,
    ],
)  # fmt: skip
async def test_a_subscription_leads_to_a_push_service_or_nowhere(world: World, endpoint: str) -> None:
    """Not to us, not inside, not to whoever sounds alike."""
    code = await code_of(world, world.member, "POST", "/v1/push/subscriptions", body=subscription(endpoint))
    assert code == "notification_address_refused"


@pytest.mark.parametrize(
    "keys",
    [{"p256dh": "AAAA", "auth": "AAAA"}, {"p256dh": "\ud800", "auth": ""}, {"p256dh": "!" * 87, "auth": "A" * 22}],
)
async def test_keys_must_be_keys(world: World, keys: dict[str, str]) -> None:
    """Wrong lengths and letters are refused in words."""
    sent = {**subscription(), "keys": keys}
    headers = {"authorization": f"Bearer {world.member.token}", "content-type": "application/json"}
    raw = json.dumps(sent).encode()
    reply = await world.client.post("/v1/push/subscriptions", content=raw, headers=headers)
    assert reply.status_code in {400, 422}, reply.text


async def test_preferences_are_kept_whole(world: World) -> None:
    """What was put is what is read; what means nothing is refused and changes nothing."""
    wished = {
        "quiet_from": 1320, "quiet_until": 420, "time_zone": "Europe/Berlin", "wakes_for_high": False,
        "muted": ["email:ask.opened"],
    }  # fmt: skip
    path = "/v1/notifications/preferences"
    assert (await world.as_script(world.member, "PUT", path, body=wished)).json() == wished
    for wrong in ({"time_zone": "Mars"}, {"quiet_from": 5}, {"muted": ["x"]}, {"quiet_from": 2**63, "quiet_until": 1}):
        assert await code_of(world, world.member, "PUT", path, body=wrong) in {
            "notification_preferences_refused", "request_invalid",
        }  # fmt: skip
    assert (await world.as_script(world.member, "GET", path)).json() == wished


async def test_a_webhook_shows_its_secret_once(world: World) -> None:
    """And its address never; a rotation gives another secret; members see none of it."""
    url = "https://hooks.example.org/very/secret/path"
    made = await world.as_script(world.owner, "POST", "/v1/webhooks", body={"name": "alerts", "url": url})
    assert made.status_code == 201, made.text
    identifier, secret = made.json()["webhook"], made.json()["secret"]
    assert secret.startswith("whsec_")
    rotated = await world.as_script(world.owner, "POST", f"/v1/webhooks/{identifier}/rotate")
    assert rotated.json()["secret"] not in {"", secret}
    listed = await world.as_script(world.owner, "GET", "/v1/webhooks")
    assert "very/secret" not in listed.text
    assert "whsec_" not in listed.text
    assert listed.json()["webhooks"][0]["host"] == "hooks.example.org"
    assert await code_of(world, world.member, "GET", "/v1/webhooks") == "permission_missing"
    assert (await world.as_script(world.owner, "POST", f"/v1/webhooks/{identifier}/test")).status_code == 202
    assert (await world.as_script(world.owner, "DELETE", f"/v1/webhooks/{identifier}")).status_code == 204
    assert await code_of(world, world.owner, "POST", f"/v1/webhooks/{identifier}/test") == "webhook_unknown"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"name": "x", "url": "http://hooks.example.org/"}, "notification_address_refused"),
        ({"name": "x", "url": "https://127.1/"}, "notification_address_refused"),
        ({"name": "x", "url": "https://[::ffff:10.0.0.1]/"}, "notification_address_refused"),
        ({"name": " ", "url": "https://hooks.example.org/"}, "webhook_refused"),
        ({"name": "x", "url": "https://hooks.example.org/", "channel": "fax"}, "webhook_refused"),
        ({"name": "x", "url": "https://hooks.example.org/", "kinds": ["all"]}, "webhook_refused"),
        ({"name": "x", "url": "https://hooks.example.org/", "secret": "mine"}, "request_invalid"),
    ],
)
async def test_webhooks_that_cannot_be_are_refused(world: World, body: dict[str, Any], code: str) -> None:
    """In words, and nothing is kept."""
    assert await code_of(world, world.owner, "POST", "/v1/webhooks", body=body) == code


async def test_an_on_call_order_names_people_once(world: World) -> None:
    """Roles and approver groups have one; nobody ends it."""
    ann = await make_person(world.appliance.identity, Role.APPROVER, "ann@example.org", utc_now())
    path = "/v1/notifications/on-call/approver"
    set_to = await world.as_script(world.owner, "PUT", path, body={"people": [str(ann.id), str(world.owner.id)]})
    assert set_to.json()["orders"]["approver"] == [str(ann.id), str(world.owner.id)]
    for wrong in ([str(ann.id)] * 2, [str(uuid7())]):
        assert await code_of(world, world.owner, "PUT", path, body={"people": wrong}) == "on_call_refused"
    nowhere = "/v1/notifications/on-call/boss"
    assert await code_of(world, world.owner, "PUT", nowhere, body={"people": []}) == "on_call_refused"
    ended = await world.as_script(world.owner, "PUT", path, body={"people": []})
    assert ended.json()["orders"] == {}


async def test_the_log_is_ones_own_or_an_administrators(world: World) -> None:
    """A test to oneself is told of there; others see it with the permission alone."""
    made = await world.as_script(world.member, "POST", "/v1/push/subscriptions", body=subscription())
    sent = await world.as_script(world.member, "POST", "/v1/notifications/test", body={"address": made.json()["id"]})
    assert sent.status_code == 202
    await world.appliance.notifications.dispatcher._planner.plan(utc_now())
    own = (await world.as_script(world.member, "GET", "/v1/notifications/deliveries")).json()["deliveries"]
    assert [(line["kind"], line["channel"], line["state"]) for line in own] == [("test", "web_push", "waiting")]
    assert (await world.as_script(world.owner, "GET", "/v1/notifications/deliveries")).json()["deliveries"] == []
    all_of_it = await world.as_script(world.owner, "GET", "/v1/notifications/log?only=waiting&limit=1")
    assert all_of_it.json()["deliveries"][0]["id"] == own[0]["id"]
    assert await code_of(world, world.member, "GET", "/v1/notifications/log") == "permission_missing"
    replayed = f"/v1/notifications/log/{own[0]['id']}/replay"
    assert await code_of(world, world.owner, "POST", replayed) == "delivery_unknown"
    foreign = await code_of(world, world.owner, "POST", "/v1/notifications/test", body={"address": made.json()["id"]})
    assert foreign == "notification_address_unknown"
    assert await code_of(world, world.owner, "POST", "/v1/notifications/test", body={}) == "notification_channel_off"
