"""What a script can do with a session token: the same as its person on the pages, with the same limits."""

import asyncio
from typing import Any

import httpx

from appliance.approvals.queries import pending_asks
from appliance.approvals.records import Ask
from appliance.clock import utc_now
from appliance.database.connection import current_connection
from appliance.database.transaction import transaction
from appliance.identity.records import Role
from appliance.policy.queries import active_version
from tests.support.machines import bash
from tests.support.people import make_person
from tests.support.web_world import World

FORCED = "git push --force origin main"


async def _ask(world: World, command: str = FORCED) -> tuple["asyncio.Task[httpx.Response]", Ask]:
    held = asyncio.create_task(world.hook(bash(command)))
    for _ in range(200):
        if asks := await pending_asks(utc_now()):
            return held, asks[-1]
        await asyncio.sleep(0.02)
    raise AssertionError(await held)


async def test_a_script_knows_who_it_is(world: World) -> None:
    """Person, roles, permissions and the session's end."""
    told = (await world.as_script(world.member, "GET", "/v1/account")).json()
    assert (told["email"], told["roles"]) == (world.member.email, ["member"])
    assert told["permissions"] == ["decisions.read_own"]
    assert told["session_kind"] == "script"


async def test_an_ask_is_read_answered_once_and_repeated(world: World) -> None:
    """An identical repeat gets the answer again, an opposite one 409; a stale binding 409; strangers 404."""
    held, ask = await _ask(world)
    listed = (await world.as_script(world.owner, "GET", "/v1/approvals")).json()
    assert [each["id"] for each in listed["asks"]] == [str(ask.id)]
    path = f"/v1/approvals/{ask.id}"
    shown = (await world.as_script(world.owner, "GET", path)).json()
    assert shown["action"]["tool_input"]["command"] == FORCED
    assert (shown["is_open"], shown["why_not"]) == (True, "")
    stale = {"resolution": "allow", "binding": "0" * 64}
    assert (await world.as_script(world.owner, "POST", f"{path}/answer", stale)).status_code == 409
    right = {"resolution": "allow", "binding": shown["ask"]["binding"], "guidance": "fine"}
    first = await world.as_script(world.owner, "POST", f"{path}/answer", right)
    assert (first.status_code, first.json()["is_repeat"]) == (200, False)
    assert "fine" in (await held).text
    again = await world.as_script(world.owner, "POST", f"{path}/answer", right)
    assert (again.status_code, again.json()["is_repeat"]) == (200, True)
    late = await world.as_script(world.owner, "POST", f"{path}/answer", {**right, "resolution": "deny"})
    assert (late.status_code, late.json()["code"]) == (409, "ask_closed")
    ended = (await world.as_script(world.owner, "GET", "/v1/approvals?state=ended")).json()
    assert str(ask.id) in [each["id"] for each in ended["asks"]]


async def test_a_member_sees_the_own_ask_and_cannot_answer_for_others(world: World) -> None:
    """The machine is the member's: seen, but the policy wants another person."""
    held, ask = await _ask(world, FORCED + " --tags")
    body = {"resolution": "allow", "binding": ask.binding}
    assert (await world.as_script(world.member, "GET", f"/v1/approvals/{ask.id}")).status_code == 200
    refused = await world.as_script(world.member, "POST", f"/v1/approvals/{ask.id}/answer", body)
    assert (refused.status_code, refused.json()["code"]) in {
        (403, "self_approval_refused"), (403, "answerer_not_allowed"),
    }  # fmt: skip
    await world.as_script(world.owner, "POST", f"/v1/approvals/{ask.id}/answer", {**body, "resolution": "deny"})
    assert "deny" in (await held).text


async def test_a_role_that_was_taken_a_moment_ago_answers_nothing(world: World) -> None:
    """Although this process remembers the session, and has not heard of the change yet."""
    bob = await make_person(world.appliance.identity, Role.APPROVER, "bob@example.org", utc_now())
    held, ask = await _ask(world, FORCED + " --follow-tags")
    path, body = f"/v1/approvals/{ask.id}", {"resolution": "allow", "binding": ask.binding}
    assert (await world.as_script(bob, "GET", path)).json()["why_not"] == ""
    async with transaction():
        await current_connection().execute("DELETE FROM person_role WHERE person = $1", bob.id)
    refused = await world.as_script(bob, "POST", f"{path}/answer", body)
    assert (refused.status_code, refused.json()["code"]) == (403, "answerer_not_allowed")
    async with transaction():
        await current_connection().execute("UPDATE person SET is_disabled = true WHERE id = $1", bob.id)
    assert (await world.as_script(bob, "POST", f"{path}/answer", body)).status_code == 401
    await world.as_script(world.owner, "POST", f"{path}/answer", {**body, "resolution": "deny"})
    assert "deny" in (await held).text


async def test_decisions_are_searched_with_a_cursor(world: World) -> None:
    """Pages follow one another without a gap; a filter narrows; one decision has its masked content."""
    for number in range(5):
        await world.hook(bash(f"ls folder-{number}"))
    found: list[dict[str, Any]] = []
    path = "/v1/decisions?text=folder-&limit=2"
    reply = (await world.as_script(world.owner, "GET", path)).json()
    while True:
        found += reply["decisions"]
        if reply["next"] is None:
            break
        reply = (await world.as_script(world.owner, "GET", f"{path}&before={reply['next']}")).json()
    assert [each["summary"] for each in found] == [f"ls folder-{number}" for number in (4, 3, 2, 1, 0)]
    detail = (await world.as_script(world.owner, "GET", f"/v1/decisions/{found[0]['id']}")).json()
    assert detail["content"]["action"]["tool_input"]["command"] == "ls folder-4"
    own = (await world.as_script(world.member, "GET", "/v1/decisions?limit=200")).json()
    assert {each["person_id"] for each in own["decisions"]} == {str(world.member.id)}


async def test_nonsense_in_queries_is_refused_or_finds_nothing(world: World) -> None:
    """No 5xx for surrogates, NUL, wrong types and other people's cursors."""
    for query, status in (
        ("before=x", 400), ("limit=0", 400), ("limit=201", 400), ("limit=1e9", 400), ("since=yesterday", 400),
        ("text=%00", 200), ("agent=%ED%A0%80", 200), ("text=" + "x" * 5000, 200), ("outcome='%20OR%201=1--", 200),
        ("before=ffffffff-ffff-ffff-ffff-ffffffffffff", 200), ("role=owner", 200),
        ("since=0001-01-01T00:00:00%2B14:00", 200), ("machine=00000000-0000-0000-0000-000000000000", 200),
    ):  # fmt: skip
        reply = await world.as_script(world.owner, "GET", f"/v1/decisions?{query}")
        assert reply.status_code in {status, 400}, (query, reply.text)


async def test_policies_are_published_and_rolled_back(world: World) -> None:
    """A wrong text tells its lines, a conflict is one, and every version stays readable."""
    active = await active_version()
    assert active
    wrong = {"text": active.text + "\npermit (", "note": "x", "expected_version": 1}
    refused = await world.as_script(world.owner, "POST", "/v1/policies", wrong)
    assert (refused.status_code, refused.json()["code"]) == (422, "policy_invalid")
    assert refused.json()["problems"][0]["line"] > 0
    right = {"text": active.text + "\n// more\n", "note": "A comment", "expected_version": 1}
    made = await world.as_script(world.owner, "POST", "/v1/policies", right)
    assert (made.status_code, made.json()["version"]) == (201, 2)
    assert (await world.as_script(world.owner, "POST", "/v1/policies", right)).status_code == 409
    back = await world.as_script(world.owner, "POST", "/v1/policies/1/rollback", {"expected_version": 2})
    assert (back.status_code, back.json()["version"], back.json()["text"]) == (201, 3, active.text)
    listed = (await world.as_script(world.owner, "GET", "/v1/policies?limit=2")).json()
    assert ([each["version"] for each in listed["versions"]], listed["next"]) == ([3, 2], 2)
    assert (await world.as_script(world.owner, "GET", "/v1/policies/active")).json()["version"] == 3
    assert (await world.as_script(world.owner, "GET", "/v1/policies/1")).json()["text"] == active.text


async def test_deployment_tokens_are_made_and_ended(world: World) -> None:
    """The secret is told once; a field that is not known is refused, not dropped."""
    odd = await world.as_script(world.owner, "POST", "/v1/deployment-tokens", {"name": "x", "role": "owner"})
    assert odd.status_code == 400
    made = await world.as_script(world.owner, "POST", "/v1/deployment-tokens", {"name": "Laptops", "days": 3})
    assert (made.status_code, made.json()["record"]["name"]) == (201, "Laptops")
    token_id = made.json()["record"]["id"]
    listed = await world.as_script(world.owner, "GET", "/v1/deployment-tokens")
    assert made.json()["token"] not in listed.text
    assert token_id in listed.text
    assert (await world.as_script(world.owner, "POST", f"/v1/deployment-tokens/{token_id}/revoke")).status_code == 204
    machines = (await world.as_script(world.owner, "GET", "/v1/machines?limit=1")).json()
    assert machines["machines"][0]["hostname"] == "laptop-1"


async def test_the_ledger_is_read_with_its_proof(world: World) -> None:
    """Key, checkpoint, entries, and an inclusion proof in hexadecimal."""
    await world.appliance.ledger.seal()
    key = (await world.as_script(world.owner, "GET", "/v1/ledger/key")).json()["public_key"]
    assert key == world.appliance.ledger.public_key
    checkpoint = (await world.as_script(world.owner, "GET", "/v1/ledger/checkpoint")).json()
    assert checkpoint["note"].startswith(f"leash.example.org\n{checkpoint['tree_size']}\n")
    page = (await world.as_script(world.owner, "GET", "/v1/ledger/entries?event=machine.&limit=1")).json()
    entry = (await world.as_script(world.owner, "GET", f"/v1/ledger/entries/{page['entries'][0]['id']}")).json()
    assert entry["entry"]["event"].startswith("machine.")
    assert len(entry["proof"]["leaf_hash"]) == 64
    assert entry["proof"]["checkpoint"]["tree_size"] == checkpoint["tree_size"]
    missing = await world.as_script(world.owner, "GET", f"/v1/ledger/entries/{world.owner.id}")
    assert missing.status_code == 404


async def test_people_are_listed(world: World) -> None:
    """With their roles, and nothing secret."""
    told = (await world.as_script(world.owner, "GET", "/v1/people")).json()["people"]
    assert {person["email"] for person in told} >= {world.owner.email, world.member.email}
    assert not [name for name in told[0] if "password" in name or "secret" in name or "hash" in name]


async def test_the_api_is_described(world: World) -> None:
    """OpenAPI 3.1 with every route of the API, each with a sentence, and nothing from another server."""
    reply = await world.client.get("/v1/openapi.json")
    document = reply.json()
    assert document["openapi"].startswith("3.1")
    assert reply.headers["content-type"] == "application/json"
    api = ("/v1/", "/health", "/api/", "/.well-known/openleash")
    paths = {route.path_format for route in world.client.app.routes if route.path.startswith(api)}
    assert {path for path in paths if not path.startswith("/v1/openapi")} == set(document["paths"])
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            assert told.get("description") or told.get("summary"), (method, path)
    assert "http://" not in reply.text.replace("http://localhost", "")
