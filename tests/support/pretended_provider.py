"""A provider that says exactly what a test wants it to say, honest or not; it stands in for the port `Fetcher`."""

import json
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from appliance.identity.providers.errors import Fault, ProviderUnavailableError
from appliance.identity.providers.records import Outbound, Reply
from tests.support.tokens import Signer

ISSUER = "https://login.example.org"


class PretendedProvider:
    """Its documents are plain dictionaries that a test changes.

    Attributes:
        claims: what its ID tokens say beside issuer, audience, times and nonce; a None takes one away.
        userinfo: what it tells at that endpoint; None is an error.
        asked: the paths that were fetched.
    """

    def __init__(self, signer: Signer) -> None:
        """It signs with this key and publishes it."""
        self.signer = signer
        self.metadata: dict[str, Any] = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/keys",
            "userinfo_endpoint": f"{ISSUER}/userinfo",
            "end_session_endpoint": f"{ISSUER}/logout?a=b",
            "id_token_signing_alg_values_supported": [signer.algorithm],
        }
        self.claims: dict[str, Any] = {}
        self.userinfo: dict[str, Any] | None = {"sub": "u1"}
        self.keys: list[Any] = [signer.jwk]
        self.asked: list[str] = []
        self.forms: list[dict[str, str]] = []
        self.failing: set[str] = set()
        self.nonce = ""
        self.now: datetime | None = None
        self.id_token: str | None = None
        self.answer: dict[str, Any] = {}

    async def fetch(self, outbound: Outbound) -> Reply:
        """As the port says."""
        path = urlsplit(outbound.url).path
        self.asked.append(path)
        if path in self.failing:
            raise ProviderUnavailableError(Fault.UNREACHABLE, path)
        self.forms.append(dict(outbound.form or {}))
        if path == "/userinfo" and self.userinfo is None:
            return Reply(status=500, body=b"", media_type="text/plain")
        documents: dict[str, Any] = {
            "/.well-known/openid-configuration": self.metadata,
            "/keys": {"keys": self.keys},
            "/token": self._tokens() if path == "/token" else {},
            "/userinfo": self.userinfo,
        }
        return Reply(status=200, body=json.dumps(documents[path]).encode(), media_type="application/json")

    def token(self, **claims: Any) -> str:  # noqa: ANN401 - whatever it says
        """A token with its signature; a None takes a claim away."""
        assert self.now
        seconds = int(self.now.timestamp())
        common = {"iss": ISSUER, "aud": "leash", "iat": seconds, "exp": seconds + 300}
        return self.signer.token({name: each for name, each in {**common, **claims}.items() if each is not None})

    def _tokens(self) -> dict[str, Any]:
        own = {"sub": "u1", "nonce": self.nonce, **self.claims}
        id_token = self.token(**own) if self.id_token is None else self.id_token
        return {"id_token": id_token, "access_token": "secret", "token_type": "Bearer", **self.answer}
