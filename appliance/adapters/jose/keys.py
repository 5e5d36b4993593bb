"""Public keys of a provider (RFC 7517): those that fit its one algorithm, and nothing else of what it publishes."""

import re
from collections.abc import Mapping
from typing import Any, Final

from jose import jwk
from jose.exceptions import JOSEError

from appliance.adapters.jose.algorithms import EdwardsKey, PssKey
from appliance.identity.providers.errors import Cause, Fault, ProviderUnavailableError, RefusedError

KEYS_MAX: Final = 64
_RSA_BYTES_MIN: Final = 256  # NIST SP 800-131A: 2048 bits
_RSA_BYTES_MAX: Final = 1024  # beyond 8192 bits, one verification takes as long as somebody else wants
_EXPONENT_MAX: Final = 4
_VALUE: Final = re.compile(r"[A-Za-z0-9_-]{2,1400}")
_CURVE_OF: Final = {"ES256": ("EC", "P-256"), "EdDSA": ("OKP", "Ed25519")}
_MEMBERS_OF: Final = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}

jwk.register_key("PS256", PssKey)
jwk.register_key("EdDSA", EdwardsKey)


class PublicKeys:
    """The usable keys of one JWK set, by `kid`."""

    def __init__(self, document: Mapping[str, Any], algorithm: str) -> None:
        """Keys of another type, for encryption or for another algorithm are passed over.

        Raises:
            ProviderUnavailableError: no key set, or more keys than anybody needs.
        """
        listed = document.get("keys")
        if not isinstance(listed, list) or len(listed) > KEYS_MAX:
            raise ProviderUnavailableError(Fault.MALFORMED, f"no list of at most {KEYS_MAX} keys")
        self._keys: dict[str | None, Any] = {}
        twice = set[str | None]()
        for each in listed:
            members = _usable(each, algorithm)
            key = _constructed(members, algorithm) if members is not None else None
            if key is None:
                continue
            key_id = each.get("kid")
            if key_id in self._keys:
                twice.add(key_id)
            self._keys[key_id] = key
        for key_id in twice:  # which of two keys of one name is meant, nobody can tell: so neither
            del self._keys[key_id]
        self._only = next(iter(self._keys.values())) if len(self._keys) == 1 and not twice else None

    def holds(self, key_id: str | None) -> bool:
        """Whether a token with this `kid` has its key here; one without, if there is only one key."""
        return self._only is not None if key_id is None else key_id in self._keys

    def count(self) -> int:
        """How many usable keys there are."""
        return len(self._keys)

    def verify(self, key_id: str | None, signed: bytes, signature: bytes) -> None:
        """Check a signature.

        Raises:
            RefusedError: no such key, or the signature is wrong.
        """
        key = self._only if key_id is None else self._keys.get(key_id)
        if key is None:
            raise RefusedError(Cause.KEY_UNKNOWN)
        if key.verify(signed, signature) is not True:
            raise RefusedError(Cause.SIGNATURE_WRONG)


def _usable(key: object, algorithm: str) -> dict[str, str] | None:
    """The public members of a key that may verify tokens of the algorithm; None for every other key."""
    if not isinstance(key, dict):
        return None
    kind, curve = _CURVE_OF.get(algorithm, ("RSA", ""))
    operations, key_id = key.get("key_ops", ["verify"]), key.get("kid")
    is_for_us = (
        key.get("kty") == kind
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and isinstance(operations, list)
        and "verify" in operations
        and (key_id is None or isinstance(key_id, str))
        and key.get("crv", "") == curve
    )
    if not is_for_us:
        return None
    members = {name: key.get(name) for name in _MEMBERS_OF[kind]}
    values = [value for name, value in members.items() if name != "crv"]
    if not all(isinstance(value, str) and _VALUE.fullmatch(value) for value in values):
        return None
    return {"kty": kind, **{name: str(value) for name, value in members.items()}}


def _constructed(members: dict[str, str], algorithm: str) -> Any:  # noqa: ANN401 - a key of python-jose
    """The key; None if its numbers are none, or so small or large that it must not be used."""
    if members["kty"] == "RSA":
        size = len(members["n"]) * 3 // 4
        if not (_RSA_BYTES_MIN <= size <= _RSA_BYTES_MAX and len(members["e"]) * 3 // 4 <= _EXPONENT_MAX):
            return None
    try:
        return jwk.construct(members, algorithm)
    except (JOSEError, ValueError, TypeError):
        return None
