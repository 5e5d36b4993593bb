"""The application with tokens of two identity providers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec
import pytest

from appliance.clock import utc_now
from appliance.identity.accounts import find_account
from appliance.identity.provisioning.tokens import create_token
from appliance.identity.queries import person_by_id
from appliance.identity.records import Person, Source, SourceKind
from tests.support.people import OPERATOR
from tests.support.web_world import World

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@dataclass(frozen=True)
class Provider:
    """An identity provider with its token."""

    world: World
    name: str
    token: str

    async def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: dict[str, str] | None = None,
        asked: Mapping[str, str] | None = None,
        **query: str,
    ) -> httpx.Response:
        """A request below /scim/v2; `body` is JSON, or bytes as they are."""
        content = body if isinstance(body, bytes) else None if body is None else msgspec.json.encode(body)
        carried = {"authorization": f"Bearer {self.token}", "content-type": "application/scim+json"}
        return await self.world.client.request(
            method,
            f"/scim/v2{path}",
            content=content,
            headers=carried | (headers or {}),
            params={**query, **(asked or {})},
        )

    async def user(self, user_name: str, /, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any attribute
        """A new user."""
        reply = await self.send("POST", "/Users", {"schemas": [USER], "userName": user_name, **more})
        assert reply.status_code == 201, reply.text
        found: dict[str, Any] = reply.json()
        return found

    async def group(self, name: str, *members: str) -> dict[str, Any]:
        """A new group."""
        body = {"schemas": [GROUP], "displayName": name, "members": [{"value": each} for each in members]}
        reply = await self.send("POST", "/Groups", body)
        assert reply.status_code == 201, reply.text
        found: dict[str, Any] = reply.json()
        return found

    async def patch(self, path: str, *operations: dict[str, Any]) -> httpx.Response:
        """A PATCH."""
        return await self.send("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)})

    async def person(self, user: dict[str, Any]) -> Person:
        """Who a user is."""
        account = await find_account(Source(SourceKind.SCIM, self.name), user["id"])
        assert account
        return await person_by_id(account.person_id)


@pytest.fixture
async def entra(world: World) -> Provider:
    """One provider."""
    return await provider_of(world, "entra")


@pytest.fixture
async def okta(world: World) -> Provider:
    """Another one."""
    return await provider_of(world, "okta")


async def provider_of(world: World, name: str) -> Provider:
    """A provider with a new token."""
    made = await create_token(OPERATOR, provider=name, name="Tests", days=1, now=utc_now())
    return Provider(world, name, made.token)
