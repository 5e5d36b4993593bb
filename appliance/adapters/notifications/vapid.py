"""Who we are to push services (RFC 8292): a key that is derived from the installation's own, and a signed statement."""

import base64
import json
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

LIFE_SECONDS: Final = 12 * 3600  # RFC 8292 2: at most a day
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
# FIPS 186-5 A.2.1: 64 bits more than the order has, so that no key is likelier than another.
_SEED_BYTES: Final = 40
_HALF_BYTES: Final = 32


@lru_cache(maxsize=2)
def private_key(secret: bytes) -> ec.EllipticCurvePrivateKey:
    """The key of P-256 that belongs to 32 secret bytes, always the same."""
    seed = HKDF(algorithm=SHA256(), length=_SEED_BYTES, salt=None, info=b"vapid").derive(secret)
    return ec.derive_private_key(int.from_bytes(seed) % (_ORDER - 1) + 1, ec.SECP256R1())


def public_point(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The public key as 65 bytes, uncompressed."""
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def public_text(secret: bytes) -> str:
    """The public key as browsers want it for `applicationServerKey`: base64url without padding."""
    return encoded(public_point(private_key(secret)))


def authorization(secret: bytes, audience: str, subject: str, now_seconds: int) -> str:
    """The `Authorization` header for one push service (RFC 8292 3); `audience` is its origin."""
    claims = {"aud": audience, "exp": now_seconds + LIFE_SECONDS, "sub": subject}
    parts = [encoded(json.dumps(each).encode()) for each in ({"typ": "JWT", "alg": "ES256"}, claims)]
    signed = ".".join(parts)
    # RFC 7518 3.4: both halves with their full length, not DER.
    halves = decode_dss_signature(private_key(secret).sign(signed.encode(), ec.ECDSA(SHA256())))
    signature = b"".join(half.to_bytes(_HALF_BYTES) for half in halves)
    return f"vapid t={signed}.{encoded(signature)}, k={public_text(secret)}"


def encoded(content: bytes) -> str:
    """Bytes as base64url without padding (RFC 7515 2)."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """The bytes of base64url, with or without padding; ValueError for anything else."""
    bare = text.rstrip("=")
    return base64.b64decode(bare + "=" * (-len(bare) % 4), b"-_", validate=True)
