"""Sign-in at a pretended provider, on a real database."""

import os
from collections.abc import Callable
from typing import Any

import pytest

from appliance.adapters.jose.tokens import JoseTokenReader
from appliance.config import Secret
from appliance.config.sign_in import Provider
from appliance.identity.providers.records import Callback, Finished
from appliance.identity.providers.service import Providers, build_providers
from appliance.identity.records import SignedIn
from appliance.identity.service import Identity
from tests.appliance.identity.conftest import KEY, built, committed, identity, owner
from tests.support.oidc_provider import query_of
from tests.support.people import HERE, NOW
from tests.support.pretended_provider import ISSUER, PretendedProvider
from tests.support.tokens import Signer

__all__ = ["built", "committed", "identity", "owner"]
SIGNER = Signer()


class Scene:
    """One installation and its pretended provider."""

    def __init__(self, identity: Identity, **settings: Any) -> None:  # noqa: ANN401 - fields of Provider
        """`settings` are those of the provider that differ."""
        self.identity = identity
        self.there = PretendedProvider(SIGNER)
        self.there.now = NOW
        common = {"issuer": ISSUER, "client_id": "leash", "client_secret": Secret("s"), "label": "Staff"}
        self.settings = Provider(**{**common, **settings})
        self.providers = self.built()
        self.browser: str | None = None

    def built(self) -> Providers:
        """As a process builds them: another call is another process."""
        return build_providers(
            {"op": self.settings},
            KEY,
            origin="https://leash.example.org",
            sessions=self.identity.sessions,
            random_bytes=os.urandom,
            fetcher_of=lambda _: self.there,
            reader_of=lambda provider: JoseTokenReader(provider.algorithm),
        )

    async def begin(self, **words: Any) -> dict[str, str]:  # noqa: ANN401 - of `begin`
        """Send the browser off; what it takes along."""
        begun = await self.providers.begin("op", NOW, browser=self.browser, **words)
        self.browser = begun.browser
        asked = query_of(begun.address)
        self.there.nonce = asked["nonce"]
        return asked

    async def finish(self, asked: dict[str, str], signed_in: SignedIn | None = None, **callback: str) -> Finished:
        """Come back with a code."""
        told = Callback(**{"state": asked["state"], "code": "a-code", **callback})
        return await self.providers.finish("op", told, browser=self.browser, origin=HERE, now=NOW, signed_in=signed_in)

    async def sign_in(self, **claims: Any) -> SignedIn:  # noqa: ANN401 - claims of the ID token
        """Sign in with these claims; who that is."""
        self.there.claims = claims
        finished = await self.finish(await self.begin())
        found = await self.identity.sessions.authenticate(finished.session.token, NOW)
        assert found
        return found


@pytest.fixture
def scene_of(identity: Identity) -> Callable[..., Scene]:
    """Makes a scene with settings of the provider."""
    return lambda **settings: Scene(identity, **settings)


@pytest.fixture
def scene(scene_of: Callable[..., Scene]) -> Scene:
    """With plain settings."""
    return scene_of()
