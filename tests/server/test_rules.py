"""The small rules of the edge: rates, addresses, hosts, versions, paths to go back to."""

from typing import cast

import pytest
from litestar.types import Scope

from server.addresses import Hosts, Proxies, rate_key
from server.authorization import local_path
from server.contract import is_spoken
from server.hooks.reading import envelope_of
from server.rates import LARGEST, Buckets
from server.requests import correlation_id_from

OURS = "2026-05-16.tenant-enroll.v1"


def test_a_bucket_lets_a_burst_through_and_then_its_rate() -> None:
    """Four at once, then one a half second; an idle key has its burst again."""
    buckets = Buckets(2.0, 4)
    assert [buckets.admit("a", 100.0) for _ in range(5)] == [True] * 4 + [False]
    assert buckets.wait_seconds("a", 100.0) == 1
    assert [buckets.admit("a", 100.5), buckets.admit("a", 100.5)] == [True, False]
    assert [buckets.admit("a", 200.0) for _ in range(5)] == [True] * 4 + [False]
    assert buckets.admit("b", 100.0)


def test_a_burst_of_one_is_a_plain_interval() -> None:
    """Smallest of all settings: still somebody gets through."""
    buckets = Buckets(1.0, 1)
    assert [buckets.admit("a", now) for now in (0.0, 0.5, 1.0, 1.9, 2.0)] == [True, False, True, False, True]


def test_buckets_do_not_grow_without_end() -> None:
    """Full ones are forgotten; if none is, memory stays bounded all the same."""
    buckets = Buckets(1.0, 2)
    for number in range(3 * LARGEST):
        assert buckets.admit(number, 0.0)
    assert len(vars(buckets)["_full_at"]) <= LARGEST


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_limits_count_by_what_an_attacker_cannot_change_for_nothing(address: str, key: str) -> None:
    """An IPv4 address, or a whole IPv6 site."""
    assert rate_key(address) == key


def test_a_chain_of_proxies_is_followed_as_far_as_it_is_ours() -> None:
    """From the right, through our own proxies, to the first that is not; nonsense ends the walk."""
    proxies = Proxies(["10.0.0.0/8", "fd00::/8"])

    def client(peer: str, *told: bytes) -> str:
        return proxies.client_of(peer, [(b"x-forwarded-for", value) for value in told])

    assert client("203.0.113.5", b"1.2.3.4") == "203.0.113.5"
    assert client("10.0.0.1", b"1.2.3.4") == "1.2.3.4"
    assert client("10.0.0.1", b"9.9.9.9, 1.2.3.4, 10.2.2.2") == "1.2.3.4"
    assert client("10.0.0.1", b"9.9.9.9", b"1.2.3.4") == "1.2.3.4"
    assert client("10.0.0.1", b"1.2.3.4, unknown") == "10.0.0.1"
    assert client("10.0.0.1") == "10.0.0.1"
    assert client("fd00::1", b"2001:db8::1") == "2001:db8::1"
    assert client("10.0.0.1", b"10.0.0.2, " * 5000 + b"10.0.0.3") == "10.0.0.2"
    assert Proxies([]).client_of("10.0.0.1", [(b"x-forwarded-for", b"1.2.3.4")]) == "10.0.0.1"


@pytest.mark.parametrize("host", [b"leash.example.org", b"Leash.Example.Org:8443", b"localhost", b"a.localhost:1"])
def test_our_hosts(host: bytes) -> None:
    """The public name with any port and in any case, and names of the machine itself."""
    assert Hosts("https://leash.example.org").is_ours([(b"host", host)])


@pytest.mark.parametrize("headers", [
    [], [(b"host", b"")], [(b"host", b"leash.example.org.")], [(b"host", b"leash.example.org"), (b"host", b"x")],
    [(b"host", b"\xff")], [(b"host", b"leash.example.org:port@evil")], [(b"host", b"10.0.0.1")],
])  # fmt: skip
def test_foreign_hosts(headers: list[tuple[bytes, bytes]]) -> None:
    """None, two, other names, and what is no name."""
    assert not Hosts("https://leash.example.org").is_ours(headers)


def test_origins_of_our_own_pages() -> None:
    """The public one, or that of the host by which the page was opened."""
    hosts = Hosts("https://leash.example.org")
    assert hosts.is_own_origin("https://leash.example.org", "10.0.0.1:9318")
    assert hosts.is_own_origin("http://localhost:9318", "localhost:9318")
    for origin in ("null", "", "https://evil.example", "http://localhost:9319", "file://localhost:9318"):
        assert not hosts.is_own_origin(origin, "localhost:9318"), origin


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("", True), (OURS, True), ("2025-12-31.tenant-enroll.v1", True), ("2026-05-17.tenant-enroll.v1", False),
        ("2026-05-16.tenant-enroll.v2", False), ("2026-05-16.health.v1", False), ("tenant-enroll.v1", False),
        ("2026-00-16.tenant-enroll.v1", False), ("2026-05-16.tenant-enroll.v1 ", False), ("9999", False),
    ],
)  # fmt: skip
def test_versions_that_are_spoken(version: str, expected: bool) -> None:  # noqa: FBT001 - of the table
    """None, the same, or an older date of the same name and major."""
    assert is_spoken(version, OURS) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/decisions?text=a%20b", "/decisions?text=a%20b"), ("/", "/"), ("", "/"), ("//evil.example", "/"),
        ("/\\evil.example", "/"), ("https://evil.example", "/"), ("/a\nb", "/"), ("javascript:alert(1)", "/"),
        ("/é", "/"), ("/\t/evil.example", "/"), ("relative", "/"),
    ],
)  # fmt: skip
def test_only_paths_of_ours_are_gone_back_to(text: str, expected: str) -> None:
    """Everything that a browser could read as another site becomes the first page."""
    assert local_path(text) == expected


@pytest.mark.parametrize("given", ["", "short", "x" * 65, "-starts-odd", "with space ok", "new\nline-x", "ünïcode-id"])
def test_numbers_of_requests_are_replaced_unless_well_formed(given: str) -> None:
    """Nothing that could confuse a log or a header is taken over."""
    assert correlation_id_from(given) != given
    assert correlation_id_from("abcDEF12.3_-") == "abcDEF12.3_-"


def test_a_hooks_envelope() -> None:
    """Token from the query, percent-encoding undone; else from the header; odd lengths and long echoes left out."""
    headers = [
        (b"content-length", b"12"), (b"x-openleash-api-version", b"v" * 101), (b"x-openleash-api-function", b"f"),
        (b"authorization", b"Bearer ol_header"),
    ]  # fmt: skip
    query = b"hostname=a%20b&user_token=ol%5Fquery&client_version=0.36%2B1&user_token=ol%5Fquery"
    found = envelope_of(cast("Scope", {"query_string": query, "headers": headers}))
    assert (found.token, found.client_version, found.length) == ("ol_query", "0.36+1", 12)
    assert found.echoed == [(b"x-openleash-api-function", b"f")]
    odd = [*headers[3:], (b"content-length", b"-1")]
    bare = envelope_of(cast("Scope", {"query_string": b"", "headers": odd}))
    assert (bare.token, bare.length, bare.version) == ("ol_header", None, b"")
