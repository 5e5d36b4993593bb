"""What a provider tells of itself, honest, wrong or hostile; and how seldom it is asked."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from appliance.adapters.jose.tokens import JoseTokenReader
from appliance.adapters.outbound.fetcher import HttpFetcher
from appliance.config.sign_in import Provider
from appliance.identity.providers.client import ProviderClient
from appliance.identity.providers.discovery import discovery_address, metadata_of
from appliance.identity.providers.documents import read_object
from appliance.identity.providers.errors import Cause, Fault, ProviderUnavailableError, RefusedError
from appliance.identity.providers.probe import NEXT, probe
from tests.support.http_stub import Answer, Writer, http_stub, reply
from tests.support.people import NOW
from tests.support.pretended_provider import ISSUER, PretendedProvider
from tests.support.tokens import Signer

SIGNER = Signer()
SECOND = timedelta(seconds=1)


def settings_of(**changes: Any) -> Provider:  # noqa: ANN401 - fields of Provider
    return Provider(**{"issuer": ISSUER, "client_id": "leash", **changes})


def client_of(there: PretendedProvider) -> ProviderClient:
    return ProviderClient("op", settings_of(), there, JoseTokenReader("RS256"), "https://leash.example.org")


@pytest.fixture
def there() -> PretendedProvider:
    """An honest one."""
    made = PretendedProvider(SIGNER)
    made.now = NOW
    return made


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"issuer": f"{ISSUER}/"}, Fault.ISSUER_DIFFERS),
        ({"issuer": ISSUER.upper()}, Fault.ISSUER_DIFFERS),
        ({"issuer": None}, Fault.ISSUER_DIFFERS),
        ({"issuer": [ISSUER]}, Fault.ISSUER_DIFFERS),
        ({"id_token_signing_alg_values_supported": ["none", "HS256", "ES256"]}, Fault.UNSUPPORTED),
        ({"id_token_signing_alg_values_supported": "RS256"}, Fault.UNSUPPORTED),
        ({"code_challenge_methods_supported": ["plain"]}, Fault.UNSUPPORTED),
        ({"response_types_supported": ["token"]}, Fault.UNSUPPORTED),
        ({"token_endpoint": None}, Fault.MALFORMED),
        ({"token_endpoint": 5}, Fault.MALFORMED),
        ({"jwks_uri": "file:///etc/passwd"}, Fault.MALFORMED),
        ({"jwks_uri": "http://login.example.org/keys"}, Fault.MALFORMED),
        ({"authorization_endpoint": "javascript:alert(1)"}, Fault.MALFORMED),
        ({"authorization_endpoint": "https://user@login.example.org/"}, Fault.MALFORMED),
        ({"authorization_endpoint": "https://login.example.org/#x"}, Fault.MALFORMED),
        ({"authorization_endpoint": "https://login.example.org/\r\nX: y"}, Fault.MALFORMED),
        ({"authorization_endpoint": "https://[/"}, Fault.MALFORMED),
        ({"userinfo_endpoint": "x"}, Fault.MALFORMED),
        ({"end_session_endpoint": "x" * 3000}, Fault.MALFORMED),
    ],
)
def test_metadata_that_cannot_be_used_is_refused(
    there: PretendedProvider, changes: dict[str, Any], fault: Fault
) -> None:
    """An issuer that differs by a slash is another one."""
    with pytest.raises(ProviderUnavailableError) as refused:
        metadata_of({**there.metadata, **changes}, settings_of())
    assert refused.value.fault is fault


def test_a_slash_at_the_end_of_an_issuer_belongs_to_it() -> None:
    """And is left out once, where the metadata's address is made."""
    assert discovery_address("https://a.example/x/") == "https://a.example/x/.well-known/openid-configuration"
    assert discovery_address("https://a.example/x") == "https://a.example/x/.well-known/openid-configuration"


@pytest.mark.parametrize(
    "raw",
    [b"", b"[]", b"1", b'{"a":1,"a":2}', b'{"a":NaN}', b'{"a":Infinity}', b'{"a":1e400}', b'{"a":', b"\xff",
     b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", b'{"a":' + b"9" * 5000 + b"}", b'{"b":{"a":1,"a":1}}'],
)  # fmt: skip
def test_a_document_with_two_meanings_is_refused(raw: bytes) -> None:
    """Two readers must not read two things."""
    with pytest.raises(ValueError, match=r"."):
        read_object(raw)


async def test_documents_are_fetched_once_an_hour(there: PretendedProvider) -> None:
    """Also when a hundred people sign in at once."""
    client, token = client_of(there), there.token(sub="u1")
    await asyncio.gather(*(client.verified(token, NOW) for _ in range(100)))
    assert there.asked == ["/.well-known/openid-configuration", "/keys"]
    await client.verified(token, NOW + timedelta(minutes=59))
    assert len(there.asked) == 2
    await client.verified(token, NOW + timedelta(minutes=61))
    assert len(there.asked) == 4


async def test_unknown_keys_are_asked_for_twice_a_minute_at_most(there: PretendedProvider) -> None:
    """Whoever invents `kid`s makes us fetch no more than that."""
    client = client_of(there)
    forger = Signer(key_id="invented")
    for seconds in range(60):
        with pytest.raises(RefusedError) as refused:
            await client.verified(forger.token({"sub": "u1"}), NOW + seconds * SECOND)
        assert refused.value.cause is Cause.KEY_UNKNOWN
    assert there.asked.count("/keys") == 2


async def test_a_new_key_is_found_and_the_old_one_forgotten(there: PretendedProvider) -> None:
    """As soon as a token names it."""
    client = client_of(there)
    old = there.token(sub="u1")
    await client.verified(old, NOW)
    there.signer = Signer(key_id="key-2")
    there.keys = [there.signer.jwk]
    assert await client.verified(there.token(sub="u1"), NOW + 30 * SECOND)
    with pytest.raises(RefusedError):
        await client.verified(old, NOW + 31 * SECOND)


async def test_old_keys_serve_for_a_day_while_the_provider_is_down(there: PretendedProvider) -> None:
    """And not a second longer."""
    client, token = client_of(there), there.token(sub="u1")
    await client.verified(token, NOW)
    there.failing = {"/keys", "/.well-known/openid-configuration"}
    day = timedelta(hours=24)
    assert await client.verified(token, NOW + day - SECOND)
    with pytest.raises(ProviderUnavailableError):
        await client.verified(token, NOW + day)


async def _ten_megabytes(_head: str, _body: bytes, writer: Writer) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + b'{"keys":[')
    for _ in range(1000):
        writer.write(b" " * 10_000)
        await writer.drain()


async def _slow(_head: str, _body: bytes, writer: Writer) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n")
    await writer.drain()
    await asyncio.sleep(30)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (_ten_megabytes, Fault.TOO_LARGE),
        (_slow, Fault.SLOW),
        (reply(status="302 Found", location="http://169.254.169.254/latest/meta-data/"), Fault.REDIRECTED),
        (reply(status="500 x"), Fault.STATUS),
        (reply(b"<html>"), Fault.MALFORMED),
        (reply(b"{}"), Fault.MALFORMED),
        (reply(json.dumps({"keys": [SIGNER.jwk] * 65}).encode()), Fault.MALFORMED),
    ],
    ids=["10 MB", "slow", "redirect to metadata", "status", "a page", "no keys", "65 keys"],
)
async def test_a_hostile_key_set_stops_the_sign_in_and_nothing_else(
    there: PretendedProvider, answer: Answer, fault: Fault
) -> None:
    """Over a real connection; the old keys stay in use."""
    async with http_stub(answer) as stub:
        there.metadata["jwks_uri"] = f"http://127.0.0.1:{stub.port}/keys"
        settings = settings_of(allow_private_addresses=True)
        fetcher = _Both(there, HttpFetcher(is_private_allowed=True, total_seconds=0.5))
        client = ProviderClient("op", settings, fetcher, JoseTokenReader("RS256"), "https://leash.example.org")
        with pytest.raises(ProviderUnavailableError) as refused:
            await client.verified(there.token(sub="u1"), NOW)
    assert refused.value.fault is fault


class _Both:
    """Pretended metadata, real keys."""

    def __init__(self, there: PretendedProvider, real: HttpFetcher) -> None:
        self._there, self._real = there, real

    async def fetch(self, outbound: Any) -> Any:  # noqa: ANN401 - the port's
        chosen = self._there if outbound.url.startswith(ISSUER) else self._real
        return await chosen.fetch(outbound)


async def test_the_test_of_a_provider_says_what_to_do_next(there: PretendedProvider) -> None:
    """Discovery, keys and clock, each with what was said."""
    good = await probe(client_of(there), NOW)
    assert [(step.section, step.is_good) for step in good] == [("discovery", True), ("keys", True), ("clock", True)]
    there.keys = []
    (_, keys, *_) = await probe(client_of(there), NOW)
    assert not keys.is_good
    assert "algorithm" in keys.next_step
    there.failing = {"/keys"}
    assert [step.is_good for step in await probe(client_of(there), NOW)] == [True, False]
    there.metadata["issuer"] = f"{ISSUER}/"
    (discovery,) = await probe(client_of(there), NOW)
    assert f"'{ISSUER}/'" in discovery.said
    assert "a slash counts" in discovery.next_step
    assert set(NEXT) == set(Fault)
