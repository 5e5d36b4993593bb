"""Where a request comes from and which host it means, believing only what the configuration says to believe."""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

from appliance.config.origin import is_loopback

_SITE_BITS: Final = 64  # one customer's IPv6 network: an address more costs nothing there
_HOPS_MAX: Final = 16
Headers = Iterable[tuple[bytes, bytes]]


class Proxies:
    """The reverse proxies whose `X-Forwarded-For` is believed."""

    def __init__(self, networks: Iterable[str]) -> None:
        """`networks` in CIDR form; none means that nobody is believed."""
        self._networks = tuple(ip_network(network) for network in networks)

    def client_of(self, peer: str, headers: Headers) -> str:
        """Address of the client: the peer, or the last one before our own proxies in the chain."""
        if not self._is_ours(peer):
            return peer
        told = b",".join(value for name, value in headers if name == b"x-forwarded-for").decode("latin-1")
        for hop in [hop.strip() for hop in told.split(",")[-_HOPS_MAX:]][::-1]:
            if _address(hop) is None:
                return peer
            if not self._is_ours(hop):
                return hop
            peer = hop
        return peer

    def _is_ours(self, text: str) -> bool:
        address = _address(text)
        return address is not None and any(address in network for network in self._networks)


class Hosts:
    """The host names that this service answers to: its public one, and those of the machine itself."""

    def __init__(self, public_origin: str) -> None:
        """`public_origin` as browsers send it."""
        self._origin = public_origin
        self._public = urlsplit(public_origin).hostname or ""

    def is_ours(self, headers: Headers) -> bool:
        """Whether there is exactly one Host, and it is ours: a rebound name of somebody else's is refused."""
        hosts = [value for name, value in headers if name == b"host"]
        name = _hostname(hosts[0]) if len(hosts) == 1 else ""
        return bool(name) and (name == self._public or is_loopback(name))

    def is_own_origin(self, origin: str, host: str) -> bool:
        """Whether an `Origin` header is that of our own pages, under the address by which they were opened."""
        return origin == self._origin or (origin.partition("://")[2] == host and origin.startswith("http"))


def rate_key(address: str) -> str:
    """What a limit counts by: an IPv4 address, or the network of an IPv6 one."""
    found = _address(address)
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped or ip_network((found, _SITE_BITS), strict=False))
    return address


def header(headers: Headers, wanted: bytes) -> str:
    """The first header of that (lower-case) name; empty if there is none."""
    return next((value.decode("latin-1") for name, value in headers if name == wanted), "")


def as_mapping(headers: Headers) -> Mapping[bytes, bytes]:
    """The headers by name; of repeated ones the last."""
    return dict(headers)


def _hostname(value: bytes) -> str:
    try:
        return urlsplit("//" + value.decode("ascii")).hostname or ""
    except ValueError:
        return ""


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
