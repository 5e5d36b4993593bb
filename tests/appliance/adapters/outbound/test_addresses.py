"""Which addresses may be connected to, whatever they are written like."""

from ipaddress import ip_address

import pytest

from appliance.adapters.outbound.addresses import is_inside, is_odd_notation, refusal_of

METADATA = [
    "169.254.169.254", "169.254.170.2", "169.254.0.1", "fd00:ec2::254", "fe80::1", "fe80::a9fe:a9fe", "0.0.0.0",  # noqa: S104 - refused, not listened on
    "::", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "::169.254.169.254", "224.0.0.1",
    "ff02::1", "255.255.255.255", "100.100.100.200", "192.0.0.192", "168.63.129.16", "240.0.0.1",
]  # fmt: skip
INSIDE = [
    "127.0.0.1", "127.1.2.3", "::1", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1",
    "fd12::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::1", "192.0.2.1", "198.18.0.1",
]  # fmt: skip
OUTSIDE = ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001::1", "172.32.0.1", "169.253.1.1"]


@pytest.mark.parametrize("text", METADATA)
def test_metadata_and_link_local_are_never_connected_to(text: str) -> None:
    """No setting opens them."""
    for is_private_allowed in (True, False):
        assert refusal_of(ip_address(text), is_private_allowed=is_private_allowed)


@pytest.mark.parametrize("text", INSIDE)
def test_loopback_and_private_need_the_setting(text: str) -> None:
    """And plain http stays inside there."""
    assert "allow_private_addresses" in refusal_of(ip_address(text), is_private_allowed=False)
    assert refusal_of(ip_address(text), is_private_allowed=True) == ""
    assert is_inside(ip_address(text))


def test_an_address_that_a_translator_makes_private_needs_the_setting_and_https() -> None:
    """What a translator does with it, we do not see (RFC 6052)."""
    translated = ip_address("64:ff9b::7f00:1")
    assert refusal_of(translated, is_private_allowed=False)
    assert not is_inside(translated)


@pytest.mark.parametrize("text", OUTSIDE)
def test_public_addresses_are_connected_to(text: str) -> None:
    """With the setting and without it; by https only."""
    for is_private_allowed in (True, False):
        assert refusal_of(ip_address(text), is_private_allowed=is_private_allowed) == ""
    assert not is_inside(ip_address(text))


@pytest.mark.parametrize(
    "host",
    ["2130706433", "0x7f000001", "017700000001", "127.1", "0x7f.1", "127.0.1", "0177.0.0.1", "127.0.0.01", "127.0.0.1.",
     "2852039166", "0xA9FEA9FE", "0", "999.1.1.1", "1.2.3.4.", "0x", "0251.0376.0251.0376"],
)  # fmt: skip
def test_odd_spellings_of_addresses_are_seen(host: str) -> None:
    """Decimal, octal, hexadecimal, and of fewer parts."""
    assert is_odd_notation(host)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "8.8.8.8", "login.example.org", "1.example", "0x7f.example", "a1", "::1"]
)
def test_plain_hosts_are_none(host: str) -> None:
    """Names and addresses as everybody writes them."""
    assert not is_odd_notation(host)
