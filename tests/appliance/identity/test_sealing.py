"""Secrets at rest: only the right key opens them, and only in their own place."""

import os

import pytest

from appliance.identity.errors import SealBrokenError
from appliance.identity.sealing import KeyedHash, Sealer, derive, hashed
from appliance.identity.tokens import LINK, SESSION, hash_of, new_token

KEY = derive(bytes(32), "totp")


def test_a_sealed_secret_opens_in_its_place() -> None:
    """Sealing twice gives two texts, neither of which shows the secret."""
    sealer = Sealer(KEY, os.urandom)
    one, other = sealer.seal("secret", "credential:1"), sealer.seal("secret", "credential:1")
    assert one != other
    assert b"secret" not in one
    assert sealer.open(one, "credential:1") == sealer.open(other, "credential:1") == "secret"


def test_nothing_else_opens() -> None:
    """Another place, another key, any flipped bit, any cut."""
    sealer = Sealer(KEY, os.urandom)
    sealed = sealer.seal("secret", "credential:1")
    attempts = [
        (sealer, sealed, "credential:2"),
        (Sealer(derive(bytes(32), "csrf"), os.urandom), sealed, "credential:1"),
    ]
    attempts += [
        (sealer, sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :], "credential:1") for at in range(len(sealed))
    ]
    attempts += [(sealer, sealed[:length], "credential:1") for length in range(len(sealed))]
    for opener, text, place in attempts:
        with pytest.raises(SealBrokenError):
            opener.open(text, place)


def test_no_key_serves_two_uses_and_borders_count() -> None:
    """Derived keys differ; a keyed hash of two texts is not that of the texts joined."""
    assert len({derive(bytes(32), use) for use in ("totp", "throttle", "csrf")}) == 3
    keyed = KeyedHash(KEY)
    assert keyed.of("pair", "ab", "c") != keyed.of("pair", "a", "bc") != keyed.of("pair", "abc")
    assert KeyedHash(derive(bytes(32), "csrf")).of("a") != keyed.of("a")


def test_tokens_are_256_random_bits_and_found_by_their_hash() -> None:
    """A token of another kind, or a text that cannot be one, is nothing."""
    token = new_token(SESSION, os.urandom)
    assert len(token) == 47
    assert hash_of(token, SESSION) == hashed(token)
    for text in (None, 5, "", token[:-1], token + "a", "\ud800" * 47, b"x" * 47):
        assert hash_of(text, SESSION) is None
    assert hash_of(token, LINK) is None
