"""Algorithms that python-jose lacks, as key classes of its own kind: PS256 (RFC 7518 3.5) and EdDSA (RFC 8037)."""

from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256
from jose.backends.base import Key
from jose.utils import base64url_decode

_ED25519_SIGNATURE_BYTES: Final = 64
_PSS_SALT_BYTES: Final = 32  # as long as the hash (RFC 7518 section 3.5)


class PssKey(Key):  # type: ignore[misc] # python-jose has no types
    """RSASSA-PSS with SHA-256 and a salt as long as the hash."""

    def __init__(self, key: Mapping[str, str], algorithm: str) -> None:
        """`key` is a JWK with `n` and `e`."""
        super().__init__(key, algorithm)
        numbers = (int.from_bytes(base64url_decode(key[name].encode()), "big") for name in ("e", "n"))
        self._public = RSAPublicNumbers(*numbers).public_key()

    def verify(self, msg: bytes, sig: bytes) -> bool:
        """Whether the signature is right."""
        try:
            self._public.verify(sig, msg, PSS(mgf=MGF1(SHA256()), salt_length=_PSS_SALT_BYTES), SHA256())
        except InvalidSignature:
            return False
        return True


class EdwardsKey(Key):  # type: ignore[misc] # see above
    """Ed25519."""

    def __init__(self, key: Mapping[str, str], algorithm: str) -> None:
        """`key` is a JWK with `x`."""
        super().__init__(key, algorithm)
        self._public = Ed25519PublicKey.from_public_bytes(base64url_decode(key["x"].encode()))

    def verify(self, msg: bytes, sig: bytes) -> bool:
        """Whether the signature is right."""
        if len(sig) != _ED25519_SIGNATURE_BYTES:
            return False
        try:
            self._public.verify(sig, msg)
        except InvalidSignature:
            return False
        return True
