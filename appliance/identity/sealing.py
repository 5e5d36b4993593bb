"""Keys derived for identity's own uses, and the seal around stored secrets."""

import hashlib
import hmac
from collections.abc import Callable
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from appliance.identity.errors import SealBrokenError

RandomBytes = Callable[[int], bytes]
NONCE_BYTES: Final = 12  # NIST SP 800-38D 8.2.1: 96 bits
_VERSION: Final = b"\x01"


def derive(key: bytes, purpose: str) -> bytes:
    """32 bytes for one purpose (RFC 5869, HKDF-SHA256), so that no key serves two uses."""
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=f"identity/{purpose}".encode()).derive(key)


def hashed(token: str) -> bytes:
    """SHA-256 of a token, which is all that is stored of it."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


class Sealer:
    """AES-256-GCM with a random nonce; the place that a secret belongs to is authenticated with it."""

    def __init__(self, key: bytes, random_bytes: RandomBytes) -> None:
        """`key` is 32 bytes for this use alone."""
        self._cipher = AESGCM(key)
        self._random_bytes = random_bytes

    def seal(self, secret: str, place: str) -> bytes:
        """Version, nonce, ciphertext and tag; opens only with the same `place`."""
        nonce = self._random_bytes(NONCE_BYTES)
        return _VERSION + nonce + self._cipher.encrypt(nonce, secret.encode(), place.encode())

    def open(self, sealed: bytes, place: str) -> str:
        """The secret.

        Raises:
            SealBrokenError: wrong key, wrong place, or changed bytes.
        """
        nonce, text = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        try:
            if sealed[:1] != _VERSION:
                raise SealBrokenError
            return self._cipher.decrypt(nonce, text, place.encode()).decode()
        except (InvalidTag, ValueError) as problem:
            raise SealBrokenError from problem


class KeyedHash:
    """HMAC-SHA256: what is stored cannot be guessed back without the key."""

    def __init__(self, key: bytes) -> None:
        """`key` is 32 bytes for this use alone."""
        self._key = key

    def of(self, *parts: str) -> bytes:
        """32 bytes for the parts, whose borders count."""
        digests = (hashlib.sha256(part.encode("utf-8", "surrogatepass")).digest() for part in parts)
        return hmac.digest(self._key, b"".join(digests), "sha256")
