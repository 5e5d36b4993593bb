"""The endpoint's profile: what is signed, and who finds out when it was changed."""

import base64
import hashlib
import json
import plistlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import run

import msgspec
import pytest

from appliance.config import Config
from appliance.config.sections import Endpoint, Server
from appliance.endpoint.errors import PayloadUnknownError, ProfileInvalidError
from appliance.endpoint.payloads import payload
from appliance.endpoint.profile import ProfileSigner, SignedProfile, verified
from appliance.keys import KeyRing

NOW = datetime(2026, 11, 30, 17, 0, tzinfo=UTC)
PIN = base64.b64encode(hashlib.sha256(b"a public key").digest()).decode()
CONFIG = Config(
    server=Server(public_url="https://leash.acme.example"), endpoint=Endpoint(profile_days=30, tls_public_keys=(PIN,))
)
KEYS = KeyRing(b"k" * 32)
# In front of a raw Ed25519 key, this makes a SubjectPublicKeyInfo (RFC 8410 section 4).
_SPKI = bytes.fromhex("302a300506032b6570032100")


@pytest.fixture
def signed() -> SignedProfile:
    """A profile of this day."""
    return ProfileSigner(CONFIG, KEYS).signed(NOW)


def test_a_profile_says_where_and_whose_it_is(signed: SignedProfile) -> None:
    """And holds from the beginning of its day, for so many days."""
    profile = verified(signed.profile.encode(), signed.signature, signed.key.public_key, NOW)
    assert profile.api_url == "https://leash.acme.example"
    assert profile.organization.slug == "leash-acme-example"
    assert profile.tls_public_keys == (PIN,)
    assert profile.expires - profile.issued_at == 30 * 86_400
    assert datetime.fromtimestamp(profile.issued_at, UTC) == NOW.replace(hour=0)


def test_every_process_signs_the_same(signed: SignedProfile) -> None:
    """All day long, so that answers of several replicas can be cached; the key hangs on the master key."""
    assert ProfileSigner(CONFIG, KEYS).signed(NOW + timedelta(hours=6)) == signed
    assert ProfileSigner(CONFIG, KeyRing(b"x" * 32)).key != signed.key


@pytest.mark.parametrize("at", range(0, 200, 7))
def test_a_changed_byte_is_noticed(signed: SignedProfile, at: int) -> None:
    """Wherever it stands."""
    text = bytearray(signed.profile.encode())
    text[at % len(text)] ^= 1
    with pytest.raises(ProfileInvalidError):
        verified(bytes(text), signed.signature, signed.key.public_key, NOW)


@pytest.mark.parametrize(
    ("signature", "key"), [("", None), ("AAAA", None), ("no base64!", None), (None, "AAAA"), (None, "")]
)
def test_nonsense_is_refused_in_words(signed: SignedProfile, signature: str | None, key: str | None) -> None:
    """Neither a signature nor a key that is none ends in a trace."""
    given = signed.signature if signature is None else signature
    with pytest.raises(ProfileInvalidError):
        verified(signed.profile.encode(), given, signed.key.public_key if key is None else key, NOW)


def test_another_installation_cannot_vouch_for_us(signed: SignedProfile) -> None:
    """Its key is another one, whatever it signs."""
    theirs = ProfileSigner(CONFIG, KeyRing(b"x" * 32)).signed(NOW)
    with pytest.raises(ProfileInvalidError):
        verified(theirs.profile.encode(), theirs.signature, signed.key.public_key, NOW)


@pytest.mark.parametrize("days", [-2, 30, 400])
def test_a_profile_holds_for_its_time_alone(signed: SignedProfile, days: int) -> None:
    """Not before it was made, and not after its end."""
    with pytest.raises(ProfileInvalidError):
        verified(signed.profile.encode(), signed.signature, signed.key.public_key, NOW + timedelta(days=days))


def test_openssl_verifies_it_too(signed: SignedProfile, tmp_path: Path) -> None:
    """With the words of docs/guides/phones.md: nobody needs our code to check our signature."""
    for name, content in (
        ("profile.json", signed.profile.encode()),
        ("profile.sig", base64.b64decode(signed.signature)),
        ("key.der", _SPKI + base64.b64decode(signed.key.public_key)),
    ):
        (tmp_path / name).write_bytes(content)
    words = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "key.der", "-rawin"]
    files = ["-in", "profile.json", "-sigfile", "profile.sig"]
    done = run([*words, *files], cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S603 - constants
    assert "Successfully" in done.stdout, done.stderr


def test_device_management_gets_what_it_takes(signed: SignedProfile) -> None:
    """The same keys for both systems, and an icon for the home screen that needs no app."""
    android = json.loads(payload(signed, "android").content)
    ios = plistlib.loads(payload(signed, "ios").content)
    assert android["managedConfiguration"] == ios
    assert ios["apiUrl"] == "https://leash.acme.example"
    assert verified(ios["endpointProfile"].encode(), ios["endpointSignature"], ios["endpointKey"], NOW)
    assert android["webApp"]["startUrl"] == "https://leash.acme.example/approvals"
    clip = plistlib.loads(payload(signed, "webclip", b"\x89PNG").content)
    [content] = clip["PayloadContent"]
    assert (content["PayloadType"], content["URL"]) == ("com.apple.webClip.managed", android["webApp"]["startUrl"])
    assert content["Icon"] == b"\x89PNG"
    assert plistlib.loads(payload(signed, "webclip", b"\x89PNG").content) == clip
    assert payload(signed, "qr").content.startswith(b"<svg")
    with pytest.raises(PayloadUnknownError):
        payload(signed, "windows")


def test_no_secret_stands_in_any_payload(signed: SignedProfile) -> None:
    """Neither the master key nor what is derived from it."""
    everything = b"".join(payload(signed, target).content for target in ("android", "ios", "webclip", "qr"))
    everything += msgspec.json.encode(signed)
    for secret in (b"k" * 32, KEYS.derive("endpoint")):
        assert secret not in everything
        assert base64.b64encode(secret) not in everything
