"""What sign-in through a provider needs from outside."""

from collections.abc import Mapping
from typing import Any, Protocol

from appliance.identity.providers.records import Outbound, Reply


class Fetcher(Protocol):
    """Asks somebody else's server."""

    async def fetch(self, outbound: Outbound) -> Reply:
        """The whole answer, whatever its status.

        Raises:
            ProviderUnavailableError: refused address, unreachable, wrong certificate, too slow, too large, redirected.
        """
        ...


class KeySet(Protocol):
    """The public keys of a provider that fit its one algorithm."""

    def holds(self, key_id: str | None) -> bool:
        """Whether a token with this `kid` (None: without one) has its key here."""
        ...

    def count(self) -> int:
        """How many keys there are."""
        ...


class TokenReader(Protocol):
    """Verifies tokens of one algorithm; nothing that it has not verified is believed."""

    def read_keys(self, document: Mapping[str, Any]) -> KeySet:
        """The usable keys of a JWK set (RFC 7517); others in it are passed over.

        Raises:
            ProviderUnavailableError: it is no key set, or has more keys than anybody needs.
        """
        ...

    def key_id(self, token: str) -> str | None:
        """The `kid` of a token whose form and header are in order; None if it names none.

        Raises:
            RefusedError: they are not.
        """
        ...

    def verify(self, token: str, keys: KeySet) -> Mapping[str, Any]:
        """The claims of a token that one of the keys has signed.

        Raises:
            RefusedError: it is not in order, its key is not there, or the signature is wrong.
        """
        ...

    def half_hash(self, text: str) -> str:
        """What `at_hash` must be for an access token (OpenID Connect Core 3.1.3.6)."""
        ...
