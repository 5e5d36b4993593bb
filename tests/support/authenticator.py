"""A device that holds passkeys, in software: it answers as real ones do, or as a forger would."""

import base64
import hashlib
import json
import os
from typing import Any, Final

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT: Final = 0x01
VERIFIED: Final = 0x04
_ATTESTED: Final = 0x40


class Authenticator:
    """One passkey of one person (WebAuthn Level 3, section 6).

    Attributes:
        sign_count: what the next answer says, then one more; 0 counts nothing.
    """

    def __init__(self, origin: str, *, sign_count: int = 1) -> None:
        """`origin` is where its browser is."""
        self.origin = origin
        self.sign_count = sign_count
        self.credential_id = os.urandom(32)
        self.user_handle = b""
        self._key = ec.generate_private_key(ec.SECP256R1())

    def register(self, options: str, *, flags: int = PRESENT | VERIFIED, **told: object) -> str:
        """The answer to a question that makes a key; `told` are fields of the client data that differ."""
        asked = json.loads(options)
        self.user_handle = _bytes(asked["user"]["id"])
        numbers = self._key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        attested = b"\0" * 16 + len(self.credential_id).to_bytes(2, "big") + self.credential_id + cbor2.dumps(cose)
        data = self._data(asked["rp"]["id"], flags | _ATTESTED) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", asked["challenge"], told)
        return self._answer({"clientDataJSON": _text(client), "attestationObject": _text(attestation)})

    def use(
        self,
        options: str,
        *,
        flags: int = PRESENT | VERIFIED,
        host: str = "",
        user_handle: bytes | None = None,
        spoilt: bool = False,
        **told: object,
    ) -> str:
        """The answer to a question that uses the key; the rest is what a forger would say in its place."""
        asked = json.loads(options)
        data = self._data(host or asked["rpId"], flags)
        client = self._client("webauthn.get", asked["challenge"], told)
        signature = self._key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._answer({
            "clientDataJSON": _text(client),
            "authenticatorData": _text(data),
            "signature": _text(signature[:-1] + bytes([signature[-1] ^ 1]) if spoilt else signature),
            "userHandle": _text(self.user_handle if user_handle is None else user_handle) or None,
        })  # fmt: skip

    def _data(self, host: str, flags: int) -> bytes:
        count, self.sign_count = self.sign_count, self.sign_count + bool(self.sign_count)
        return hashlib.sha256(host.encode()).digest() + bytes([flags]) + count.to_bytes(4, "big")

    def _client(self, kind: str, challenge: str, told: dict[str, object]) -> bytes:
        plain = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps({**plain, **told}).encode()

    def _answer(self, response: dict[str, Any]) -> str:
        name = _text(self.credential_id)
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
