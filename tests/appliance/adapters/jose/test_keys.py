"""Which of a provider's keys are used."""

from typing import Any

import pytest

from appliance.adapters.jose.tokens import JoseTokenReader
from appliance.identity.providers.errors import Cause, Fault, ProviderUnavailableError, RefusedError
from tests.support.tokens import Signer

CLAIMS = {"sub": "u1"}
READER = JoseTokenReader("RS256")
SIGNER = Signer()


def keys_of(*keys: Any) -> Any:  # noqa: ANN401 - whatever a provider publishes
    """The usable ones."""
    return READER.read_keys({"keys": list(keys)})


@pytest.mark.parametrize(
    "changes",
    [
        {"use": "enc"}, {"use": None}, {"alg": "RS512"}, {"alg": None}, {"key_ops": ["sign"]}, {"key_ops": "verify"},
        {"kty": "oct"}, {"kty": "EC"}, {"kty": None}, {"crv": "P-256"}, {"n": None}, {"n": 5}, {"n": "!!"}, {"e": "AA"},
        {"e": "AQABAQABAQ"}, {"n": "A" * 1500}, {"kid": 5},
    ],
)  # fmt: skip
def test_a_key_for_something_else_is_passed_over(changes: dict[str, Any]) -> None:
    """It does no harm to the others."""
    other = Signer(key_id="key-2")
    keys = keys_of({**SIGNER.jwk, **changes}, other.jwk, "no key", None)
    assert not keys.holds("key-1")
    assert keys.holds("key-2")
    assert keys.count() == 1


def test_a_short_key_is_never_used() -> None:
    """1024 bits are broken."""
    weak = Signer(bits=1024)
    assert keys_of(weak.jwk).count() == 0
    with pytest.raises(RefusedError) as refused:
        READER.verify(weak.token(CLAIMS), keys_of(weak.jwk))
    assert refused.value.cause is Cause.KEY_UNKNOWN


def test_a_private_key_by_mistake_is_read_as_its_public_half() -> None:
    """Nothing but the public members is looked at."""
    assert keys_of({**SIGNER.jwk, "d": "AQ", "p": "AQ"}).count() == 1


def test_two_keys_of_one_name_are_neither() -> None:
    """Which one is meant, nobody can tell."""
    other = Signer()
    assert not keys_of(SIGNER.jwk, other.jwk).holds("key-1")
    assert not keys_of(SIGNER.jwk, other.jwk).holds(None)


def test_a_token_without_kid_needs_a_provider_with_one_key() -> None:
    """With two, it is refused."""
    token = SIGNER.token(CLAIMS, {"alg": "RS256"})
    assert READER.verify(token, keys_of(SIGNER.jwk)) == CLAIMS
    with pytest.raises(RefusedError) as refused:
        READER.verify(token, keys_of(SIGNER.jwk, Signer(key_id="key-2").jwk))
    assert refused.value.cause is Cause.KEY_UNKNOWN


@pytest.mark.parametrize("document", [{}, {"keys": {}}, {"keys": "x"}, {"keys": [{}] * 65}])
def test_what_is_no_key_set_is_refused_whole(document: dict[str, Any]) -> None:
    """So is one with more keys than anybody needs."""
    with pytest.raises(ProviderUnavailableError) as refused:
        READER.read_keys(document)
    assert refused.value.fault is Fault.MALFORMED


def test_an_edwards_or_curve_key_off_its_curve_is_passed_over() -> None:
    """Numbers that are no point make no key."""
    for algorithm, wrong in (("ES256", {"x": "AQ"}), ("EdDSA", {"x": "AQ"}), ("EdDSA", {"crv": "Ed448"})):
        key = {**Signer(algorithm).jwk, **wrong}
        assert JoseTokenReader(algorithm).read_keys({"keys": [key]}).count() == 0
