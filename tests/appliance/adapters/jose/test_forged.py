"""Forged tokens, each refused for the reason for which it is one; and what is right is taken."""

import json
import string
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.adapters.jose.tokens import JoseTokenReader
from appliance.identity.providers import rules
from appliance.identity.providers.errors import Cause, RefusedError
from appliance.identity.sealing import hashed
from tests.support.tokens import Signer, encoded, with_hmac

ISSUER = "https://login.example.org/realms/staff"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
SKEW = timedelta(seconds=60)
ACCESS = "an-access-token"
HEADER = {"alg": "RS256", "kid": "key-1", "typ": "JWT"}
CLAIMS: dict[str, Any] = {
    "iss": ISSUER, "aud": "leash", "sub": "u1", "exp": SECONDS + 300, "iat": SECONDS, "nonce": "n" * 43,
}  # fmt: skip
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")


@cache
def signer(algorithm: str = "RS256", key_id: str = "key-1") -> Signer:
    """One key pair a process."""
    return Signer(algorithm, key_id)


def judged(token: str, reader: JoseTokenReader | None = None, signing: Signer | None = None) -> str:
    """The cause for which the token is refused, as a sign-in would; empty if it is taken."""
    checking, key = reader or JoseTokenReader("RS256"), signing or signer()
    keys = checking.read_keys({"keys": [key.jwk]})
    try:
        claims = checking.verify(token, keys)
        rules.check_parties(claims, ISSUER, "leash")
        rules.check_times(claims, NOW, SKEW)
        rules.check_nonce(claims, hashed("n" * 43))
        rules.text_of(claims, "sub")
        rules.check_access_token(claims, checking.half_hash(ACCESS))
    except RefusedError as refused:
        return refused.cause.value
    return ""


def signed(header: dict[str, Any] | None = None, **claims: Any) -> str:  # noqa: ANN401 - whatever a forger writes
    """A rightly signed token with some claims changed; None takes a claim away."""
    merged = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    return signer().token(merged, header)


def raw(claims: str) -> str:
    """A rightly signed token over a text."""
    return signer().token(claims.encode())


def headed(**members: Any) -> str:  # noqa: ANN401 - as above
    """A rightly signed token with some members of the header changed."""
    return signed({**HEADER, **members})


def unsigned(algorithm: str) -> str:
    """A token without a signature."""
    return f"{encoded({**HEADER, 'alg': algorithm})}.{encoded(CLAIMS)}."


def hmac_with(key: bytes, **members: Any) -> str:  # noqa: ANN401 - as above
    """A token signed with what everybody can read."""
    return with_hmac(key, CLAIMS, {**HEADER, "alg": "HS256", **members})


def _jwk_bytes() -> bytes:
    return json.dumps(signer().jwk).encode()


def _embedded_key() -> str:
    own = Signer(key_id="own")
    return own.token(CLAIMS, {"alg": "RS256", "kid": "own", "jwk": own.jwk})


def _swapped(of: str) -> str:
    head, _, signature = signed().split(".")
    return f"{head}.{encoded({**CLAIMS, 'sub': of})}.{signature}"


def _with_space() -> str:
    head, body, signature = signed().split(".")
    return f"{head}.{body}. {signature}"


def _other_spelling() -> str:
    """The last character of 256 bytes holds four bits that nobody reads."""
    token = signed()
    alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    last = alphabet.index(token[-1])
    return token[:-1] + alphabet[last ^ 1]


_C = Cause
FORGED: dict[str, tuple[Any, Cause]] = {
    **{f"alg {name!r}": (lambda name=name: unsigned(name), _C.ALGORITHM_REFUSED)
       for name in ("none", "None", "NONE", "nOnE", "none ", "")},
    "alg is no text": (lambda: headed(alg=["RS256"]), _C.ALGORITHM_REFUSED),
    "alg is missing": (lambda: signed({"kid": "key-1"}), _C.ALGORITHM_REFUSED),
    "alg in small letters": (lambda: headed(alg="rs256"), _C.ALGORITHM_REFUSED),
    "alg of a longer hash": (lambda: headed(alg="RS512"), _C.ALGORITHM_REFUSED),
    "alg of the other padding": (lambda: headed(alg="PS256"), _C.ALGORITHM_REFUSED),
    "HS256 with the key as PEM": (lambda: hmac_with(signer().public_bytes(Encoding.PEM)), _C.ALGORITHM_REFUSED),
    "HS256 with the key as DER": (lambda: hmac_with(signer().public_bytes(Encoding.DER)), _C.ALGORITHM_REFUSED),
    "HS256 with the key as JWK": (lambda: hmac_with(_jwk_bytes()), _C.ALGORITHM_REFUSED),
    "HS256 with an empty key": (lambda: hmac_with(b"", kid="/dev/null"), _C.ALGORITHM_REFUSED),
    "HMAC under RS256": (lambda: hmac_with(signer().public_bytes(Encoding.DER), alg="RS256"), _C.SIGNATURE_WRONG),
    "RS256 without a signature": (lambda: unsigned("RS256"), _C.TOKEN_MALFORMED),
    "signed by another key": (lambda: Signer().token(CLAIMS), _C.SIGNATURE_WRONG),
    "other claims under a signature": (lambda: _swapped("owner"), _C.SIGNATURE_WRONG),
    "kid is a path": (lambda: headed(kid="../../../dev/null"), _C.KEY_ID_REFUSED),
    "kid is an absolute path": (lambda: headed(kid="/dev/null"), _C.KEY_UNKNOWN),
    "kid with SQL in it": (lambda: headed(kid="x' UNION SELECT 'key"), _C.KEY_ID_REFUSED),
    "kid with a NUL": (lambda: headed(kid="key-1\0"), _C.KEY_ID_REFUSED),
    "kid is a list": (lambda: headed(kid=["key-1"]), _C.KEY_ID_REFUSED),
    "kid is null": (lambda: headed(kid=None), _C.KEY_ID_REFUSED),
    "kid is empty": (lambda: headed(kid=""), _C.KEY_ID_REFUSED),
    "kid is long": (lambda: headed(kid="k" * 201), _C.KEY_ID_REFUSED),
    "kid of nobody": (lambda: headed(kid="key-2"), _C.KEY_UNKNOWN),
    "jku": (lambda: headed(jku="https://evil.example/keys"), _C.HEADER_REFUSED),
    "JKU in capitals": (lambda: headed(JKU="https://evil.example/keys"), _C.HEADER_REFUSED),
    "x5u": (lambda: headed(x5u="https://evil.example/chain"), _C.HEADER_REFUSED),
    "x5c": (lambda: headed(x5c=["MIIB"]), _C.HEADER_REFUSED),
    "jwk with the forger's key": (_embedded_key, _C.HEADER_REFUSED),
    "crit": (lambda: headed(crit=["exp"]), _C.HEADER_REFUSED),
    "crit that is empty": (lambda: headed(crit=[]), _C.HEADER_REFUSED),
    "zip": (lambda: headed(zip="DEF"), _C.HEADER_REFUSED),
    "b64": (lambda: headed(b64=False), _C.HEADER_REFUSED),
    "enc": (lambda: headed(enc="A256GCM"), _C.HEADER_REFUSED),
    "typ of an access token": (lambda: headed(typ="at+jwt"), _C.HEADER_REFUSED),
    "typ is a number": (lambda: headed(typ=1), _C.HEADER_REFUSED),
    "cty of a nested token": (lambda: headed(cty="JWT"), _C.HEADER_REFUSED),
    "a header with alg twice": (
        lambda: signer().token(CLAIMS, b'{"alg":"none","alg":"RS256","kid":"key-1"}'), _C.TOKEN_MALFORMED),
    "a header that is a list": (lambda: signer().token(CLAIMS, b"[]"), _C.TOKEN_MALFORMED),
    "a header 20,000 deep": (
        lambda: signer().token(CLAIMS, b'{"alg":' + b"[" * 20_000 + b"]" * 20_000 + b"}"), _C.TOKEN_MALFORMED),
    "two parts": (lambda: signed().rpartition(".")[0], _C.TOKEN_MALFORMED),
    "five parts, as an encrypted token has": (lambda: f"{signed()}.x.y", _C.TOKEN_MALFORMED),
    "padding": (lambda: f"{signed()}=", _C.TOKEN_MALFORMED),
    "a space": (_with_space, _C.TOKEN_MALFORMED),
    "a line end behind it": (lambda: f"{signed()}\n", _C.TOKEN_MALFORMED),
    "letters that are not ASCII": (lambda: f"{signed()}\u00e9", _C.TOKEN_MALFORMED),
    "another spelling of the signature": (_other_spelling, _C.TOKEN_MALFORMED),
    "no text at all": (lambda: "", _C.TOKEN_MALFORMED),
    "a megabyte": (lambda: signed(padding="x" * 1_000_000), _C.TOKEN_TOO_LARGE),
    "claims that are a list": (lambda: raw("[]"), _C.TOKEN_MALFORMED),
    "claims with sub twice": (lambda: raw('{"sub":"u1","sub":"u2"}'), _C.TOKEN_MALFORMED),
    "claims with NaN": (lambda: raw('{"exp":NaN}'), _C.TOKEN_MALFORMED),
    "claims that are not UTF-8": (lambda: signer().token(b'{"sub":"\xff"}'), _C.TOKEN_MALFORMED),
    "exp of 1e400": (
        lambda: raw(json.dumps({**CLAIMS, "exp": 0}).replace('"exp": 0', '"exp": 1e400')), _C.TOKEN_MALFORMED),
    "exp is a text": (lambda: signed(exp=str(SECONDS + 300)), _C.CLAIM_MISTYPED),
    "exp is true": (lambda: signed(exp=True), _C.CLAIM_MISTYPED),
    "exp is a list": (lambda: signed(exp=[SECONDS + 300]), _C.CLAIM_MISTYPED),
    "exp beyond every calendar": (lambda: signed(exp=10**18), _C.CLAIM_MISTYPED),
    "exp is negative": (lambda: signed(exp=-1), _C.CLAIM_MISTYPED),
    "exp is missing": (lambda: signed(exp=None), _C.CLAIM_MISSING),
    "exp is over": (lambda: signed(exp=SECONDS - 60), _C.EXPIRED),
    "iat is missing": (lambda: signed(iat=None), _C.CLAIM_MISSING),
    "iat is a text": (lambda: signed(iat="now"), _C.CLAIM_MISTYPED),
    "iat in the future": (lambda: signed(iat=SECONDS + 61), _C.NOT_YET_VALID),
    "iat yesterday": (lambda: signed(iat=SECONDS - 86_400), _C.ISSUED_TOO_LONG_AGO),
    "nbf in the future": (lambda: signed(nbf=SECONDS + 61), _C.NOT_YET_VALID),
    "nbf is a text": (lambda: signed(nbf="soon"), _C.CLAIM_MISTYPED),
    "iss is missing": (lambda: signed(iss=None), _C.CLAIM_MISSING),
    "iss is a list": (lambda: signed(iss=[ISSUER]), _C.CLAIM_MISTYPED),
    "iss with one slash more": (lambda: signed(iss=f"{ISSUER}/"), _C.ISSUER_WRONG),
    "iss in capitals": (lambda: signed(iss=ISSUER.upper()), _C.ISSUER_WRONG),
    "aud is missing": (lambda: signed(aud=None), _C.CLAIM_MISSING),
    "aud of somebody else": (lambda: signed(aud="another"), _C.AUDIENCE_WRONG),
    "aud is an empty list": (lambda: signed(aud=[]), _C.CLAIM_MISTYPED),
    "aud is a number": (lambda: signed(aud=1), _C.CLAIM_MISTYPED),
    "aud holds ours in a text": (lambda: signed(aud="leash another"), _C.AUDIENCE_WRONG),
    "aud of two without azp": (lambda: signed(aud=["leash", "another"]), _C.CLAIM_MISSING),
    "azp of somebody else": (lambda: signed(aud=["leash", "another"], azp="another"), _C.PARTY_WRONG),
    "azp of somebody else, aud ours alone": (lambda: signed(azp="another"), _C.PARTY_WRONG),
    "nonce is missing": (lambda: signed(nonce=None), _C.CLAIM_MISSING),
    "nonce of another errand": (lambda: signed(nonce="m" * 43), _C.NONCE_WRONG),
    "nonce is a list": (lambda: signed(nonce=["n" * 43]), _C.CLAIM_MISTYPED),
    "sub is missing": (lambda: signed(sub=None), _C.CLAIM_MISSING),
    "sub is empty": (lambda: signed(sub=""), _C.CLAIM_MISTYPED),
    "sub is a number": (lambda: signed(sub=1), _C.CLAIM_MISTYPED),
    "sub is long": (lambda: signed(sub="u" * 256), _C.CLAIM_MISTYPED),
    "sub with a NUL": (lambda: signed(sub="u1\0"), _C.CLAIM_MISTYPED),
    "at_hash of another access token": (lambda: signed(at_hash="x" * 22), _C.ACCESS_TOKEN_DIFFERS),
    "an access token's claims": (
        lambda: signed({**HEADER, "typ": "at+jwt"}, nonce=None, scope="openid"), _C.HEADER_REFUSED),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_token_is_refused_for_its_own_reason(name: str) -> None:
    """The ledger names what was wrong with it."""
    forge, cause = FORGED[name]
    assert judged(forge()) == cause.value


def test_there_are_more_than_forty_of_them() -> None:
    """And each cause that a token can have is among the reasons."""
    assert len(FORGED) >= 40
    assert len({cause for _, cause in FORGED.values()}) >= 15


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_right_token_is_taken(algorithm: str) -> None:
    """By each algorithm, with `at_hash`, with and without `kid`, with one audience or two."""
    signing, reader = signer(algorithm), JoseTokenReader(algorithm)
    claims = {**CLAIMS, "aud": ["leash", "another"], "azp": "leash", "at_hash": reader.half_hash(ACCESS)}
    assert judged(signing.token(claims), reader, signing) == ""
    assert judged(signing.token(CLAIMS, {"alg": algorithm}), reader, signing) == ""


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_no_other_algorithm_is_taken_for_a_providers_own(algorithm: str) -> None:
    """Each provider has exactly one."""
    for other in ALGORITHMS:
        if other != algorithm:
            token = signer(other).token(CLAIMS)
            assert judged(token, JoseTokenReader(algorithm), signer(algorithm)) == Cause.ALGORITHM_REFUSED


def test_clocks_may_differ_by_the_skew_and_no_more() -> None:
    """Sixty seconds both ways."""
    assert judged(signed(exp=SECONDS - 59, iat=SECONDS + 60)) == ""
    assert judged(signed(exp=SECONDS - 60)) == Cause.EXPIRED
    assert judged(signed(iat=SECONDS + 61)) == Cause.NOT_YET_VALID


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS1", "", "dir"])
def test_no_reader_is_made_for_a_weak_algorithm(algorithm: str) -> None:
    """Not even by a mistake in our own code."""
    with pytest.raises(ValueError, match="is not one of"):
        JoseTokenReader(algorithm)


_POSITION = st.integers(0, 10_000)
_CHARACTER = st.sampled_from(string.ascii_letters + string.digits + "-_.=+/ \n\0\u00e9")


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(ALGORITHMS), st.lists(st.tuples(_POSITION, _CHARACTER), min_size=1, max_size=4))
def test_no_token_that_differs_by_a_character_is_taken(algorithm: str, edits: list[tuple[int, str]]) -> None:
    """Wherever, whatever, and however many."""
    signing, reader = signer(algorithm), JoseTokenReader(algorithm)
    token = signing.token(CLAIMS)
    characters = list(token)
    for position, character in edits:
        characters[position % len(characters)] = character
    if "".join(characters) != token:
        assert judged("".join(characters), reader, signing) != ""


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "jwk", "jku", "x5u", "zip"]), _JSON, min_size=1))
def test_no_token_that_its_key_did_not_sign_is_taken(members: dict[str, Any]) -> None:
    """Whatever its header says; and nothing but a refusal comes of it."""
    forger = Signer("EdDSA")
    assert judged(forger.token(CLAIMS, {**HEADER, **members})) != ""


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(["iss", "aud", "azp", "exp", "iat", "nonce", "sub", "nbf"]), _JSON, min_size=1))
def test_strange_claims_never_do_more_than_refuse(changes: dict[str, Any]) -> None:
    """Rightly signed claims of any type are taken only if they say what they must."""
    cause = judged(signer("EdDSA").token({**CLAIMS, **changes}), JoseTokenReader("EdDSA"), signer("EdDSA"))
    if cause == "":
        merged = {**CLAIMS, **changes}
        assert (merged["iss"], merged["nonce"]) == (CLAIMS["iss"], CLAIMS["nonce"])
        assert "leash" in (merged["aud"] if isinstance(merged["aud"], list) else [merged["aud"]])
        assert merged["exp"] > SECONDS - 60
