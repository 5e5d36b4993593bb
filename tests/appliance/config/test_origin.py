"""Origins are what browsers send, so that comparing two of them is comparing two texts."""

import pytest

from appliance.config.origin import is_host, is_loopback, normalised_host, normalised_origin, origin_of


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://leash.example.org", "https://leash.example.org"),
        ("https://leash.example.org/", "https://leash.example.org"),
        ("HTTPS://Leash.Example.ORG:443", "https://leash.example.org"),
        ("https://leash.example.org:8443", "https://leash.example.org:8443"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://[2001:DB8::0:1]", "https://[2001:db8::1]"),
        ("http://127.0.0.1:9318", "http://127.0.0.1:9318"),
        ("http://localhost:80", "http://localhost"),
        ("http://leash.localhost", "http://leash.localhost"),
        ("http://[::1]:9318", "http://[::1]:9318"),
    ],
)
def test_an_origin_has_one_form(text: str, origin: str) -> None:
    """Lower case, punycode, compressed addresses, no port that the scheme implies."""
    assert normalised_origin(text) == origin


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "must begin with https://"),
        ("leash.example.org", "must begin with https://"),
        ("ftp://leash.example.org", "must begin with https://"),
        ("https://", "must begin with https://"),
        ("https:///path", "must begin with https://"),
        ("https://ada@leash.example.org", "must not hold a user"),
        ("https://@leash.example.org", "must not hold a user"),
        ("https://leash.example.org/path", "must not hold a path"),
        ("https://leash.example.org/?", "must not hold a path"),
        ("https://leash.example.org#x", "must not hold a path"),
        ("https://leash.example.org:0", "is not a URL"),
        ("https://leash.example.org:65536", "is not a URL"),
        ("https://leash.example.org:x", "is not a URL"),
        ("https://[fe80::1%eth0]", "is not a URL"),
        ("https://[::1", "is not a URL"),
        ("https://leash.example.org\\@evil", "must not hold spaces"),
        ("https://leash.example.org\n", "must not hold spaces"),
        ("https://leash .example.org", "must not hold spaces"),
        ("https://a..b", "is not a host name"),
        ("https://-a.example", "is not a host name"),
        ("https://2130706433", "is not a host name"),
        ("https://127.1", "is not a host name"),
        ("https://0x7f.1", "is not a host name"),
        ("https://010.0.0.1", "is not a host name"),
        (f"https://{'a.' * 127}example", "is not a host name"),
        ("http://leash.example.org", "must be https"),
        ("http://10.0.0.7:9318", "must be https"),
        ("http://localhost.example.org", "must be https"),
    ],
)
def test_what_is_no_safe_origin_is_refused(text: str, told: str) -> None:
    """Odd spellings of addresses are refused, not guessed at; plain http stays on the machine."""
    with pytest.raises(ValueError, match=f"^{told}"):
        normalised_origin(text)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_loopback_means_this_machine_only(host: str) -> None:
    """By name or by address."""
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["localhost.example", "128.0.0.1", "::2", "0.0.0.0", "notlocalhost", ""])  # noqa: S104
def test_everything_else_is_another_machine(host: str) -> None:
    """Also the address that means all of them."""
    assert not is_loopback(host)


def test_hosts_and_ports_make_origins() -> None:
    """As the server builds the address that it prints."""
    assert origin_of("https", "::1", 443) == "https://[::1]"
    assert origin_of("http", "127.0.0.1", None) == "http://127.0.0.1"
    assert normalised_host("A_B.example.") == "a_b.example."
    assert [is_host(text) for text in ("a.example", "10.0.0.1", "::1", "[::1]", "a b", "")] == [True] * 3 + [False] * 3
