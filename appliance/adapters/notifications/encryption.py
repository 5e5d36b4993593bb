"""Encrypts a push message to one browser (RFC 8291) in one record of aes128gcm (RFC 8188)."""

from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from appliance.adapters.notifications.vapid import public_point

RECORD_BYTES: Final = 4096
SALT_BYTES: Final = 16
# Every message is as long as the next of these steps, so that its length tells nothing of it.
_PADDED_TO: Final = 512
_LAST_RECORD: Final = b"\x02"  # RFC 8188 2
_CONTENT_MAX: Final = RECORD_BYTES - 103  # RFC 8291 4: header, delimiter and tag must fit too


def encrypt(
    content: bytes, browser: bytes, auth: bytes, key: ec.EllipticCurvePrivateKey, salt: bytes, *, is_padded: bool = True
) -> bytes:
    """The body of a push message.

    Args:
        content: at most 3,993 bytes.
        browser: the subscription's `p256dh`, 65 bytes.
        auth: the subscription's secret, 16 bytes.
        key: made for this one message.
        salt: 16 random bytes of this one message.
        is_padded: off for the example of the RFC alone.

    Raises:
        ValueError: too long, or `browser` is no point of the curve.
    """
    if len(content) > _CONTENT_MAX:
        raise ValueError("the message is too long for a push service")
    theirs, ours = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), browser), public_point(key)
    shared = key.exchange(ec.ECDH(), theirs)
    secret = _derived(shared, auth, b"WebPush: info\x00" + browser + ours, 32)
    cipher = AESGCM(_derived(secret, salt, b"Content-Encoding: aes128gcm\x00", 16))
    nonce = _derived(secret, salt, b"Content-Encoding: nonce\x00", 12)
    plain = content + _LAST_RECORD
    if is_padded:
        plain = plain.ljust(min(-(-len(plain) // _PADDED_TO) * _PADDED_TO, _CONTENT_MAX + 1), b"\x00")
    header = salt + RECORD_BYTES.to_bytes(4) + len(ours).to_bytes(1) + ours
    return header + cipher.encrypt(nonce, plain, None)


def _derived(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(secret)
