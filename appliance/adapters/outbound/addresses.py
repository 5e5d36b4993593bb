"""Which addresses may be connected to: pure decisions, whatever notation the address came in."""

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

Address = IPv4Address | IPv6Address

# Where clouds tell a machine its credentials. No setting opens them.
_METADATA: Final = frozenset(
    ip_address(text) for text in ("fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "192.0.0.192", "168.63.129.16")
)
_NEVER: Final = tuple(
    ip_network(text)
    for text in ("169.254.0.0/16", "fe80::/10", "0.0.0.0/8", "::/128", "224.0.0.0/4", "ff00::/8", "240.0.0.0/4")
)
_TRANSLATED: Final = ip_network("64:ff9b::/96")  # RFC 6052 2.1: the last 32 bits are an IPv4 address
_COMPATIBLE: Final = ip_network("::/96")  # RFC 4291 2.5.5.1
# What inet_aton takes for an address: decimal, octal, hexadecimal, of one to four parts.
_ODD_NUMBER: Final = re.compile(r"(?:0x[0-9a-f]*|\d+)(?:\.(?:0x[0-9a-f]*|\d+)){0,3}\.?", re.IGNORECASE)


def is_odd_notation(host: str) -> bool:
    """Whether a host looks like an IPv4 address, but not in the one way in which we write them."""
    if not _ODD_NUMBER.fullmatch(host):
        return False
    try:
        return str(IPv4Address(host)) != host
    except ValueError:
        return True


def meanings_of(address: Address) -> Iterator[Address]:
    """The address, and every IPv4 address that it stands for: mapped, compatible, translated, 6to4, Teredo."""
    yield address
    if isinstance(address, IPv4Address):
        return
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if address in _TRANSLATED or (address in _COMPATIBLE and int(address) > 1):
        yield IPv4Address(int(address) & 0xFFFF_FFFF)


def refusal_of(address: Address, *, is_private_allowed: bool) -> str:
    """Why the address must not be connected to; empty if it may be.

    Link-local and metadata addresses are refused always, loopback and private ones unless they are allowed.
    """
    for meaning in meanings_of(address):
        if meaning in _METADATA or any(meaning in network for network in _NEVER):
            return f"{address} is link-local, a metadata service or no host's address"
        if not is_private_allowed and not meaning.is_global:
            return f"{address} is a loopback or private address, which the setting allow_private_addresses opens"
    return ""


def is_inside(address: Address) -> bool:
    """Whether the address is loopback or private, so that plain http to it stays inside."""
    return not any(meaning.is_global for meaning in meanings_of(address))
