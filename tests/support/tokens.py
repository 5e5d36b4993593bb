"""Tokens as a provider signs them, and as somebody who forges them would."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def encoded(raw: bytes | Mapping[str, Any]) -> str:
    """Base64url without padding; of a mapping its JSON."""
    content = raw if isinstance(raw, bytes) else json.dumps(raw).encode()
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def number(value: int) -> str:
    """A number as a JWK holds it."""
    return encoded(value.to_bytes((value.bit_length() + 7) // 8 or 1, "big"))


class Signer:
    """A private key with its `kid` and algorithm."""

    def __init__(self, algorithm: str = "RS256", key_id: str = "key-1", *, bits: int = 2048) -> None:
        """A key of its own."""
        self.algorithm = algorithm
        self.key_id = key_id
        self.private: Private
        if algorithm == "ES256":
            self.private = ec.generate_private_key(ec.SECP256R1())
        elif algorithm == "EdDSA":
            self.private = ed25519.Ed25519PrivateKey.generate()
        else:
            self.private = rsa.generate_private_key(65537, bits)

    @property
    def jwk(self) -> dict[str, Any]:
        """The public key as the provider publishes it."""
        common = {"kid": self.key_id, "alg": self.algorithm, "use": "sig"}
        public = self.private.public_key()
        if isinstance(public, rsa.RSAPublicKey):
            numbers = public.public_numbers()
            return {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e), **common}
        if isinstance(public, ec.EllipticCurvePublicKey):
            point = public.public_numbers()
            x, y = (encoded(each.to_bytes(32, "big")) for each in (point.x, point.y))
            return {"kty": "EC", "crv": "P-256", "x": x, "y": y, **common}
        raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return {"kty": "OKP", "crv": "Ed25519", "x": encoded(raw), **common}

    def public_bytes(self, encoding: Encoding) -> bytes:
        """The public key in another spelling, which forgers use as an HMAC key."""
        return self.private.public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)

    def signature(self, message: bytes) -> bytes:
        """Over any bytes."""
        if isinstance(self.private, ed25519.Ed25519PrivateKey):
            return self.private.sign(message)
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            r, s = decode_dss_signature(self.private.sign(message, ec.ECDSA(SHA256())))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")
        if self.algorithm == "PS256":
            return self.private.sign(message, padding.PSS(padding.MGF1(SHA256()), 32), SHA256())
        return self.private.sign(message, padding.PKCS1v15(), SHA256())

    def token(self, claims: Mapping[str, Any] | bytes, header: Mapping[str, Any] | bytes | None = None) -> str:
        """A token with this signature, whatever header and claims say."""
        head = header if header is not None else {"alg": self.algorithm, "kid": self.key_id, "typ": "JWT"}
        message = f"{encoded(head)}.{encoded(claims)}"
        return f"{message}.{encoded(self.signature(message.encode()))}"


def with_hmac(key: bytes, claims: Mapping[str, Any], header: Mapping[str, Any]) -> str:
    """A token whose signature is an HMAC."""
    message = f"{encoded(header)}.{encoded(claims)}"
    return f"{message}.{encoded(hmac.digest(key, message.encode(), hashlib.sha256))}"
