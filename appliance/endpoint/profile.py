"""The endpoint's profile: where a client calls and whose that is, signed with a key of the installation (RFC 8032)."""

import base64
import hashlib
from datetime import datetime, timedelta
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from appliance.config import Config
from appliance.endpoint.errors import ProfileInvalidError
from appliance.endpoint.organization import Organization, organization_of
from appliance.keys import KeyRing
from appliance.ledger.canonical import canonical_bytes

KIND: Final = "openleash-endpoint/1"
_PURPOSE: Final = "endpoint"
_ID_BYTES: Final = 8


class Profile(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is signed, as JSON in its canonical form (RFC 8785).

    Attributes:
        kind: what this is, so that the signature can mean nothing else.
        api_url: the origin that clients call.
        issued_at, expires: seconds since 1970; after `expires` the profile says nothing any more.
        tls_public_keys: SHA-256 of the public keys (SubjectPublicKeyInfo) that the origin's certificate may have, in
            base64 (RFC 7469 section 2.4); empty for any that the system trusts.
    """

    api_url: str
    organization: Organization
    issued_at: int
    expires: int
    tls_public_keys: tuple[str, ...] = ()
    kind: str = KIND

    def text(self) -> bytes:
        """The bytes that are signed."""
        return canonical_bytes(msgspec.to_builtins(self))


class PublicKey(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The key that profiles are verified with.

    Attributes:
        id: the first 16 hexadecimal digits of the key's SHA-256, for people to compare.
        public_key: its 32 bytes in base64.
    """

    id: str
    public_key: str
    algorithm: str = "Ed25519"


class SignedProfile(msgspec.Struct, frozen=True, kw_only=True):
    """A profile with its detached signature.

    Attributes:
        profile: the signed bytes, which are canonical JSON.
        signature: 64 bytes in base64.
    """

    profile: str
    signature: str
    key: PublicKey


class ProfileSigner:
    """Signs the profiles of one installation; every process of it derives the same key."""

    def __init__(self, config: Config, keys: KeyRing) -> None:
        """The profile is made of the configuration."""
        self._config = config
        self._keys = keys
        self._private = Ed25519PrivateKey.from_private_bytes(keys.derive(_PURPOSE))
        public = self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        digest = hashlib.sha256(public).hexdigest()
        self.key: Final = PublicKey(id=digest[: 2 * _ID_BYTES], public_key=base64.b64encode(public).decode())

    def signed(self, now: datetime) -> SignedProfile:
        """The profile of this day: it changes at midnight (UTC) and not in between, so that it can be cached."""
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        profile = Profile(
            api_url=self._config.public_origin,
            organization=organization_of(self._config, self._keys),
            issued_at=int(day.timestamp()),
            expires=int((day + timedelta(days=self._config.endpoint.profile_days)).timestamp()),
            tls_public_keys=self._config.endpoint.tls_public_keys,
        )
        text = profile.text()
        signature = base64.b64encode(self.signature(text)).decode()
        return SignedProfile(profile=text.decode(), signature=signature, key=self.key)

    def signature(self, text: bytes) -> bytes:
        """64 bytes; the text must say of what kind it is, so that it can be taken for nothing else that is signed."""
        return self._private.sign(text)


def verified(profile: bytes, signature: str, public_key: str, now: datetime) -> Profile:
    """The profile, if this key has signed exactly these bytes and it holds now.

    Raises:
        ProfileInvalidError: it was changed, is another installation's, is over, or is no profile.
    """
    try:
        raw = base64.b64decode(signature.strip(), validate=True)
        Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key.strip(), validate=True)).verify(raw, profile)
    except (ValueError, InvalidSignature) as problem:
        raise ProfileInvalidError("The signature is not that of this key over these bytes") from problem
    try:
        found = msgspec.json.decode(profile, type=Profile)
    except msgspec.MsgspecError as problem:
        raise ProfileInvalidError(f"The signed bytes hold no profile: {problem}") from problem
    if found.kind != KIND:
        raise ProfileInvalidError(f"This is a profile of another kind: {found.kind}")
    if not found.issued_at <= now.timestamp() < found.expires:
        raise ProfileInvalidError("The profile does not hold now; fetch a new one")
    return found
