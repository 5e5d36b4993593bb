"""What anybody may know before signing in, and that it is signed, small and free of secrets."""

import json
from pathlib import Path

from appliance.clock import utc_now
from appliance.endpoint.profile import verified
from server.contract import CONTRACTS
from tests.support.web_world import ORIGIN, World

PATH = "/.well-known/openleash"


async def test_discovery_says_what_a_client_needs(world: World) -> None:
    """Address, organisation, ways to sign in, functions with versions, level, key and signed profile."""
    reply = await world.client.get(PATH)
    found = reply.json()
    assert (found["product"], found["apiUrl"], found["featureLevel"]) == ("openleash-private-cloud", ORIGIN, 1)
    assert found["functions"] == CONTRACTS
    assert found["signIn"] == [{"id": "local", "type": "local", "label": "E-mail and password"}]
    bootstrap = (await world.client.get("/v1/mobile/bootstrap")).json()
    assert found["organization"] == bootstrap["organization"]
    signed = found["profile"]
    profile = verified(signed["profile"].encode(), signed["signature"], found["signingKey"]["publicKey"], utc_now())
    assert (profile.api_url, profile.organization.id) == (ORIGIN, found["organization"]["id"])


async def test_discovery_is_small_and_may_be_kept(world: World) -> None:
    """At most 5 KB; whoever has it asks whether it changed."""
    reply = await world.client.get(PATH)
    assert len(reply.content) <= 5 * 1024
    assert reply.headers["cache-control"] == "public, max-age=300"
    again = await world.client.get(PATH, headers={"if-none-match": reply.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert "set-cookie" not in reply.headers


async def test_discovery_says_nothing_about_anybody(world: World) -> None:
    """The same to everybody, with a session or without, and no secret of the state directory stands in it."""
    anonymous = await world.client.get(PATH)
    signed_in = await world.as_script(world.owner, "GET", PATH)
    assert anonymous.content == signed_in.content
    secrets = Path(world.appliance.config.state.directory) / "secrets"
    for file in secrets.iterdir():
        content = file.read_bytes()
        assert content.hex() not in anonymous.text
        assert content not in anonymous.content


async def test_files_for_device_management_are_for_those_who_see_settings(world: World) -> None:
    """Each with its type and name; others are refused, and an unknown target is a 404 in words."""
    for target, kind in (
        ("android", "application/json"), ("ios", "application/xml"), ("qr", "image/svg+xml"),
        ("webclip", "application/x-apple-aspen-config"),
    ):  # fmt: skip
        reply = await world.as_script(world.owner, "GET", f"/v1/clients/profile/{target}")
        assert reply.status_code == 200, reply.text
        assert reply.headers["content-type"].startswith(kind)
        assert "attachment" in reply.headers["content-disposition"]
        assert (await world.as_script(world.member, "GET", f"/v1/clients/profile/{target}")).status_code == 403
    signed = (await world.as_script(world.owner, "GET", "/v1/clients/profile")).json()
    assert json.loads(signed["profile"])["apiUrl"] == ORIGIN
    unknown = await world.as_script(world.owner, "GET", "/v1/clients/profile/windows")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "endpoint_payload_unknown")
