"""The port `TokenReader` over python-jose: one algorithm, keys as JWK only, nothing believed before its signature."""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any, Final

from appliance.adapters.jose.compact import read_part, take_apart
from appliance.adapters.jose.keys import PublicKeys
from appliance.identity.providers.errors import Cause, RefusedError
from appliance.identity.providers.ports import KeySet

ALGORITHMS: Final = frozenset({"RS256", "PS256", "ES256", "EdDSA"})


class JoseTokenReader:
    """Reads the tokens of one provider."""

    def __init__(self, algorithm: str) -> None:
        """`algorithm` is the only one that is taken; a symmetric one or none never is."""
        if algorithm not in ALGORITHMS:
            raise ValueError(f"{algorithm} is not one of {', '.join(sorted(ALGORITHMS))}")
        self._algorithm = algorithm

    def read_keys(self, document: Mapping[str, Any]) -> PublicKeys:
        """The usable keys of a JWK set.

        Raises:
            ProviderUnavailableError: it is none, or has more keys than anybody needs.
        """
        return PublicKeys(document, self._algorithm)

    def key_id(self, token: str) -> str | None:
        """The `kid` of a token whose form and header are in order; None if it names none.

        Raises:
            RefusedError: they are not.
        """
        return take_apart(token, self._algorithm).key_id

    def verify(self, token: str, keys: KeySet) -> Mapping[str, Any]:
        """The claims of a token that one of the keys has signed.

        Raises:
            RefusedError: it is not in order, its key is not there, or the signature is wrong.
        """
        if not isinstance(keys, PublicKeys):
            raise RefusedError(Cause.KEY_UNKNOWN)
        compact = take_apart(token, self._algorithm)
        keys.verify(compact.key_id, compact.signed, compact.signature)
        return read_part(compact.payload)

    def half_hash(self, text: str) -> str:
        """The left half of a hash, in base64url: what `at_hash` must be (OpenID Connect Core 3.1.3.6).

        EdDSA names no hash itself; Ed25519 is made with SHA-512, which the providers that there are use.
        """
        digest = (hashlib.sha512 if self._algorithm == "EdDSA" else hashlib.sha256)(text.encode()).digest()
        return base64.urlsafe_b64encode(digest[: len(digest) // 2]).decode("ascii").rstrip("=")
