"""A browser's side of Web Push: makes a subscription, and reads what was sent to it (RFC 8291, RFC 8188, RFC 8292)."""

import base64
import hashlib
import hmac
import json
import os
import re
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def unpadded(content: bytes) -> str:
    """Bytes as base64url without padding."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def from_base64url(text: str) -> bytes:
    """The bytes of base64url."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _hmac(key: bytes, *parts: bytes) -> bytes:
    """One block of HKDF (RFC 5869), written out as the RFCs of Web Push do it."""
    return hmac.new(key, b"".join(parts), hashlib.sha256).digest()


class PushReceiver:
    """A subscription: two keys that never leave it, and what it tells the application's server."""

    def __init__(self, key: ec.EllipticCurvePrivateKey | None = None, auth: bytes | None = None) -> None:
        """New keys unless an example gives its own."""
        self._key = key or ec.generate_private_key(ec.SECP256R1())
        self._auth = auth or os.urandom(16)
        self._point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.p256dh, self.auth = unpadded(self._point), unpadded(self._auth)

    def read(self, body: bytes) -> bytes:
        """The message in a push body: RFC 8188 section 2, keys by RFC 8291 section 3.4."""
        salt, record_size, length = body[:16], int.from_bytes(body[16:20]), body[20]
        sender, sealed = body[21 : 21 + length], body[21 + length :]
        assert len(sealed) <= record_size <= 4096
        theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
        shared = self._key.exchange(ec.ECDH(), theirs)
        secret = _hmac(_hmac(self._auth, shared), b"WebPush: info\0", self._point, sender, b"\x01")
        pseudo_random = _hmac(salt, secret)
        cipher_key = _hmac(pseudo_random, b"Content-Encoding: aes128gcm\0\x01")[:16]
        nonce = _hmac(pseudo_random, b"Content-Encoding: nonce\0\x01")[:12]
        padded = AESGCM(cipher_key).decrypt(nonce, sealed, None)
        content, delimiter = padded.rstrip(b"\0")[:-1], padded.rstrip(b"\0")[-1:]
        assert delimiter == b"\x02"
        return content


def statement_of(head: str) -> tuple[dict[str, Any], str]:
    """The signed claims of a push request's head, verified, and the key that signed them (RFC 8292 section 3)."""
    found = re.search(r"(?i)^authorization: vapid t=(\S+), k=(\S+)", head, re.MULTILINE)
    assert found is not None
    header, claims, signature = found[1].split(".")
    assert json.loads(from_base64url(header)) == {"typ": "JWT", "alg": "ES256"}
    halves = from_base64url(signature)
    assert len(halves) == 64
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), from_base64url(found[2]))
    der = encode_dss_signature(int.from_bytes(halves[:32]), int.from_bytes(halves[32:]))
    key.verify(der, f"{header}.{claims}".encode(), ec.ECDSA(SHA256()))
    told: dict[str, Any] = json.loads(from_base64url(claims))
    return told, found[2]
