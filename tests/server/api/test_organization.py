"""Whose installation it is, as apps, pages and authenticators are told."""

from pathlib import Path
from urllib.parse import quote

from appliance.clock import utc_now
from appliance.config.sections import Organization
from appliance.identity.records import Role
from tests.support.contract import VERSIONS
from tests.support.people import OPERATOR, PASSWORD
from tests.support.postgres import TestPostgres
from tests.support.web_world import World, web_world


async def told(world: World) -> dict[str, str]:
    """What the app reads of the organisation."""
    headers = {
        "x-openleash-api-function": "mobileBootstrap",
        "x-openleash-api-version": VERSIONS["mobileBootstrap"],
    }
    reply = await world.client.get("/v1/mobile/bootstrap", headers=headers)
    found: dict[str, str] = reply.json()["organization"]
    return found


async def test_names_are_the_configurations_and_the_identifier_stays(postgres: TestPostgres, tmp_path: Path) -> None:
    """In the app, the titles of pages and the authenticator; without them the public host and the product's name."""
    async with web_world(postgres, tmp_path) as plain:
        before = await told(plain)
        assert (before["name"], before["slug"]) == ("leash.example.org", "leash-example-org")
    named = Organization(name="Example & Söhne", slug="example")
    async with web_world(postgres, tmp_path, organization=named) as world:
        assert await told(world) == {"id": before["id"], "name": "Example & Söhne", "slug": "example"}
        page = await world.client.get("/sign-in", headers={"accept": "text/html"})
        assert "<title>Sign in · Example &amp; Söhne</title>" in page.text
        identity, now = world.appliance.identity, utc_now()
        link = await identity.people.invite(
            OPERATOR, display_name="Ida", email="ida@example.org", role=Role.MEMBER, now=now
        )
        pending = await identity.claims.set_password(
            link.token, display_name=None, email="ida@example.org", password=PASSWORD, now=now
        )
        assert pending.uri.startswith(f"otpauth://totp/{quote('Example & Söhne OpenLeash')}:")
