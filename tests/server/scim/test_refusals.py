"""What providers may not do, and what nobody may."""

import asyncio
import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from litestar.routes import HTTPRoute

from appliance.clock import utc_now
from appliance.identity.provisioning.tokens import create_token, revoke_token, tokens
from tests.server.scim.conftest import GROUP, PATCH, USER, Provider
from tests.support.people import OPERATOR, ledger_events, ledger_facts
from tests.support.web_world import World


async def test_every_route_needs_a_providers_token(world: World, entra: Provider) -> None:
    """No session, no cookie, no machine's token; unknown, expired and revoked ones are the same refusal."""
    old = await create_token(OPERATOR, provider="entra", name="Old", days=1, now=utc_now() - timedelta(days=2))
    gone = await create_token(OPERATOR, provider="entra", name="Gone", days=1, now=utc_now())
    await revoke_token(OPERATOR, gone.record.id, now=utc_now())
    wrong = (
        "",
        f"Bearer {world.owner.token}",
        f"Bearer {world.machine_token}",
        f"Bearer {old.token}",
        f"Bearer {gone.token}",
        f"Bearer olp_{'A' * 43}",
        f"Basic {entra.token}",
        "Bearer olp_é",
    )
    routes = [route for route in world.client.app.routes if isinstance(route, HTTPRoute) and "/scim/" in route.path]
    assert len(routes) >= 12
    for route in routes:
        path = route.path.split("{")[0] + (str(uuid4()) if "{" in route.path else "")
        for method in route.methods - {"OPTIONS"}:
            for header in wrong:
                reply = await world.client.request(
                    method, path, headers=[(b"authorization", header.encode())], content=b"{}"
                )
                assert reply.status_code == 401, (method, path, header)
                assert reply.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
                assert reply.headers["www-authenticate"] == "Bearer"
            by_cookie = await world.as_browser(world.owner, method, path)
            assert by_cookie.status_code == 401


async def test_a_token_opens_nothing_else(world: World, entra: Provider) -> None:
    """A provider is nobody's sign-in; its use is noted, its secret kept nowhere."""
    headers = {"authorization": f"Bearer {entra.token}"}
    assert (await world.client.get("/v1/people", headers=headers)).status_code == 401
    assert (await entra.send("GET", "/Users", count="0")).status_code == 200
    newest = (await tokens())[0]
    assert newest.last_used_at
    assert entra.token not in str(await tokens())


async def test_another_providers_users_and_groups_are_not_there(entra: Provider, okta: Provider) -> None:
    """In no path, filter, search or member, and nothing of the refused change is left."""
    user, group = await entra.user("tess.tenant"), await entra.group("Tenants")
    for path in (f"/Users/{user['id']}", f"/Groups/{group['id']}"):
        body = {"userName": "x", "displayName": "x"}
        operation = {"op": "replace", "path": "displayName", "value": "x"}
        for reply in (
            await okta.send("GET", path),
            await okta.send("PUT", path, body),
            await okta.patch(path, operation),
            await okta.send("DELETE", path),
        ):
            assert (reply.status_code, reply.json()["status"]) == (404, "404")
    own = await okta.group("Own")
    for member in (user["id"], group["id"]):
        reply = await okta.patch(f"/Groups/{own['id']}", {"op": "add", "path": "members", "value": [{"value": member}]})
        assert (reply.status_code, reply.json()["scimType"]) == (400, "invalidValue")
    for text in (f'id eq "{user["id"]}"', 'userName eq "tess.tenant"'):
        assert (await okta.send("GET", "/Users", filter=text)).json()["totalResults"] == 0
        assert (await okta.send("POST", "/.search", {"filter": text})).json()["totalResults"] == 0
    assert (await entra.send("GET", f"/Users/{user['id']}")).json() == user


@pytest.mark.parametrize("body", [
    {"userName": "p", "password": "x"}, {"userName": "p", "PASSWORD": "x"}, {"userName": "p", f"{USER}:password": "x"},
])  # fmt: skip
async def test_passwords_are_refused(entra: Provider, body: dict[str, Any]) -> None:
    """With what to turn off; also in every form of a change."""
    refused = [await entra.send("POST", "/Users", body)]
    user = await entra.user(f"paul.{uuid4()}")
    path = f"/Users/{user['id']}"
    refused += [
        await entra.send("PUT", path, body),
        await entra.patch(path, {"op": "add", "path": "password", "value": "x"}),
        await entra.patch(path, {"op": "replace", "PATH": f"{USER}:Password", "value": "x"}),
        await entra.patch(path, {"op": "replace", "value": {name: "x" for name in body if name != "userName"}}),
    ]
    for reply in refused:
        assert reply.status_code == 400, reply.text
        assert "Turn off password synchronisation" in reply.json()["detail"]


async def test_conflicts_are_told_as_such(world: World, entra: Provider) -> None:
    """UserName in any case, and the address of somebody who was here before; recorded with the token as actor."""
    await entra.user("carla.conflict")
    again = await entra.send("POST", "/Users", {"schemas": [USER], "userName": "CARLA.conflict"})
    assert (again.status_code, again.json()["scimType"]) == (409, "uniqueness")
    taken = {"schemas": [USER], "userName": "mallory", "emails": [{"value": world.owner.email}]}
    reply = await entra.send("POST", "/Users", taken)
    assert (reply.status_code, reply.json()["scimType"]) == (409, "uniqueness")
    assert (await ledger_facts("provisioning.refused"))[-1] == {
        "provider": "entra", "change": "create_user", "code": "scim_not_unique",
    }  # fmt: skip


DEEP = b'{"schemas":' + b"[" * 10_000 + b"]" * 10_000 + b"}"
BODIES: list[bytes] = [
    b"",
    b"{}",
    b"[]",
    b"null",
    b"{",
    b"\xff\xfe",
    DEEP,
    b'{"userName":"a","userName":"b"}',
    b'{"userName":"a","USERNAME":"b"}',
    b'{"userName":"\\ud800"}',
    b'{"userName":"a\\u0000b"}',
    b'{"userName":""}',
    b'{"userName":"  "}',
    b'{"userName":5}',
    b'{"userName":["a"]}',
    b'{"userName":null}',
    b'{"userName":NaN}',
    b'{"userName":"' + b"a" * 300 + b'"}',
    b'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"userName":"a"}',
    b'{"schemas":5,"userName":"a"}',
    b'{"userName":"a","active":"perhaps"}',
    b'{"userName":"a","active":[]}',
    b'{"userName":"a","emails":"x"}',
    b'{"userName":"a","emails":[{"value":"no address"}]}',
    b'{"userName":"a","name":"x"}',
    b'{"userName":"a","title":1e400}',
    b'{"userName":"a","emails":[' + b",".join([b'{"value":"a@b.example"}'] * 21) + b"]}",
    b'{"userName":"a","title":"' + b"x" * 2000 + b'"}',
    b'{"userName":"a","id":12345678901234567890}',
]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body[:40].decode("latin-1"))
async def test_a_user_that_cannot_be_is_refused(entra: Provider, body: bytes) -> None:
    """In SCIM's shape, without a fault of ours, and nobody is made."""
    before = (await ledger_events())["provisioned_user.created"]
    for path in ("/Users", "/Groups"):
        reply = await entra.send("POST", path, body)
        assert reply.status_code in {400, 413}, reply.text
        assert reply.json()["status"] == str(reply.status_code)
    assert (await ledger_events())["provisioned_user.created"] == before


OPERATIONS: list[dict[str, Any]] = [
    {},
    {"op": "move", "path": "title"},
    {"op": 5, "path": "title"},
    {"op": "remove"},
    {"op": "add"},
    {"op": "add", "path": "title"},
    {"op": "replace", "path": "id", "value": "x"},
    {"op": "remove", "path": "userName"},
    {"op": "replace", "path": "userName", "value": ""},
    {"op": "replace", "path": "meta.version", "value": "x"},
    {"op": "replace", "path": "groups", "value": [{"value": "x"}]},
    {"op": "replace", "path": "emails[[", "value": "x"},
    {"op": "replace", "path": "active", "value": {"a": 1}},
    {"op": "replace", "path": 'emails[value eq "x"', "value": "x"},
    {"op": "replace", "path": ["title"], "value": "x"},
    {"op": "replace", "value": "x"},
    {"op": "replace", "value": []},
    {"op": "add", "path": "emails", "value": [{"value": "a@b.example"}] * 501},
    {"op": "replace", "path": "title" * 9000, "value": 1},
    {"op": "replace", "path": "emails[" + "(" * 3000 + "value pr" + ")" * 2999 + "]", "value": "x"},
    {"op": "replace", "path": "displayName", "value": "a\u0000"},
]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: str(each)[:50])
async def test_a_change_that_cannot_be_is_refused_as_a_whole(entra: Provider, operation: dict[str, Any]) -> None:
    """Nothing of the operations before it is left."""
    user = await entra.user(f"otto.{uuid4()}")
    path = f"/Users/{user['id']}"
    reply = await entra.patch(path, {"op": "replace", "path": "title", "value": "Lost"}, operation)
    assert reply.status_code == 400, reply.text
    assert reply.json()["scimType"]
    assert (await entra.send("GET", path)).json() == user


GROUP_OPERATIONS: list[dict[str, Any]] = [
    {"op": "remove", "path": "displayName"},
    {"op": "replace", "path": "displayName", "value": ""},
    {"op": "replace", "path": "displayName", "value": 5},
    {"op": "add", "path": "members", "value": "x"},
    {"op": "add", "path": "members", "value": [{"value": "no-identifier"}]},
    {"op": "add", "path": "members", "value": [{}]},
    {"op": "add", "path": "members", "value": [{"value": str(uuid4())}]},
    {"op": "add", "path": "members"},
    {"op": "remove", "path": 'members[display eq "x"]'},
    {"op": "remove", "path": "members[value"},
    {"op": "replace", "path": f'members[value eq "{uuid4()}"]', "value": {"value": "x"}},
    {"op": "remove", "path": "members.value"},
    {"op": "replace", "path": "id", "value": "x"},
    {"op": "replace", "value": 5},
    {"op": "replace", "value": {"members": [5]}},
    {"op": "replace", "value": {"displayName": "a", "DISPLAYNAME": "b"}},
    {"op": "remove"},
    {"op": "add", "path": "a b", "value": 1},
    {"op": "replace", "path": "displayName", "value": "x" * 300},
    {"op": "replace", "path": {"a": 1}, "value": "x"},
]


@pytest.mark.parametrize("operation", GROUP_OPERATIONS, ids=lambda each: str(each)[:50])
async def test_a_change_of_a_group_that_cannot_be_is_refused_as_a_whole(
    entra: Provider, operation: dict[str, Any]
) -> None:
    """Nothing of the operations before it is left, and members that do not exist are told as such."""
    group = await entra.group("Whole")
    path = f"/Groups/{group['id']}"
    reply = await entra.patch(path, {"op": "replace", "path": "externalId", "value": "lost"}, operation)
    assert reply.status_code == 400, reply.text
    assert reply.json()["scimType"]
    assert (await entra.send("GET", path)).json() == group


async def test_a_thousand_members_come_and_go_by_one_change_each(world: World, entra: Provider) -> None:
    """In seconds, while other requests are answered; one operation more is too many."""
    group = await entra.group("Thousand")
    path = f"/Groups/{group['id']}"
    users = [await entra.user(f"user-{number}.thousand") for number in range(100)]
    strangers = [{"value": str(uuid4())} for _ in range(900)]
    refused = await entra.patch(path, {"op": "add", "path": "members", "value": strangers})
    assert refused.status_code == 400
    ones = [{"op": "add", "path": "members", "value": [{"value": users[number % 100]["id"]}]} for number in range(1000)]
    began = time.perf_counter()
    added = await entra.patch(path, *ones)
    assert len(added.json()["members"]) == 100
    removals = [{"op": "remove", "path": f'members[value eq "{users[number % 100]["id"]}"]'} for number in range(1000)]
    removed, health = await asyncio.gather(entra.patch(path, *removals), world.client.get("/health/live"))
    assert (removed.status_code, health.status_code) == (200, 200)
    assert "members" not in removed.json()
    assert time.perf_counter() - began < 10
    too_many = await entra.patch(path, *ones, ones[0])
    assert (too_many.status_code, too_many.json()["scimType"]) == (400, "tooMany")


async def test_groups_may_hold_each_other(entra: Provider) -> None:
    """Whoever is in one is in all; a group in itself is refused."""
    user = await entra.user("rita.ring")
    first = await entra.group("Ring 1")
    second = await entra.group("Ring 2", first["id"])
    third = await entra.group("Ring 3", second["id"], user["id"])
    closing = {"op": "add", "path": "members", "value": [{"value": third["id"]}]}
    assert (await entra.patch(f"/Groups/{first['id']}", closing)).status_code == 200
    assert (await entra.person(user)).groups == {f"scim:entra/Ring {number}" for number in (1, 2, 3)}
    own = {"op": "add", "path": "members", "value": [{"value": first["id"]}]}
    assert (await entra.patch(f"/Groups/{first['id']}", own)).status_code == 400
    assert (await entra.send("DELETE", f"/Groups/{second['id']}")).status_code == 204
    assert (await entra.person(user)).groups == {"scim:entra/Ring 1", "scim:entra/Ring 3"}
    assert (await entra.send("DELETE", f"/Groups/{third['id']}")).status_code == 204
    assert (await entra.person(user)).groups == frozenset()


async def test_what_is_not_implemented_says_so(entra: Provider) -> None:
    """Many changes at once, and who the token is; unknown addresses and methods are told in SCIM's shape too."""
    bulk = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": []}
    for method, path, body, status in (
        ("POST", "/Bulk", bulk, 501), ("GET", "/Me", None, 501), ("GET", "/Nothing", None, 404),
        ("GET", "/Users/not-an-id", None, 404), ("DELETE", f"/Groups/{uuid4()}", None, 404), ("PUT", "/Users", {}, 405),
        ("GET", "/Schemas/urn:none", None, 404), ("PATCH", "/Users/x", {"schemas": [GROUP]}, 400),
        ("PATCH", f"/Users/{uuid4()}", {"schemas": [PATCH], "Operations": []}, 400),
    ):  # fmt: skip
        reply = await entra.send(method, path, body)
        assert (reply.status_code, reply.json()["status"]) == (status, str(status)), (method, path)
        assert reply.headers["content-type"].startswith("application/scim+json")
    config = (await entra.send("GET", "/ServiceProviderConfig")).json()
    assert (config["bulk"]["supported"], config["changePassword"]["supported"]) == (False, False)
