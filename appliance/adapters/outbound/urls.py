"""Which URLs may be kept to send to later; where they lead is checked again whenever they are used."""

from collections.abc import Collection
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from appliance.adapters.outbound.addresses import is_odd_notation, refusal_of
from appliance.config.origin import host_and_port

URL_MAX: Final = 2048
_PORTS: Final = {"http": 80, "https": 443}


def is_listed(url: str, hosts: Collection[str]) -> bool:
    """Whether a URL leads to one of a list, in which `*.example.org` stands for every name below example.org.

    Without a port in the list, the port must be that of the URL's scheme: what else listens there is not for us.
    """
    try:
        parts = urlsplit(url)
        own = _PORTS.get(parts.scheme)
        name, port = (parts.hostname or "").rstrip("."), parts.port or own
    except ValueError:
        return False
    for each in hosts:
        host, listed = host_and_port(each)
        is_host = name == host or (host.startswith("*.") and name.endswith(host[1:]))
        if is_host and port == (listed or own):
            return True
    return False


def host_of(url: str, *, private_hosts: Collection[str], hosts: Collection[str] | None = None) -> str:
    """The host of a URL that may be kept, in lower case.

    Args:
        url: what somebody typed.
        private_hosts: may be inside and plain http.
        hosts: the only ones that are taken; None takes every host.

    Raises:
        ValueError: what is wrong with it, as the end of a sentence.
    """
    if len(url) > URL_MAX or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise ValueError("is too long, or holds characters that no URL has")
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme not in {"https", "http"} or not host:
        raise ValueError("is not an https:// URL with a host")
    if "@" in parts.netloc or parts.fragment or parts.port == 0:
        raise ValueError("holds a user, a fragment or port 0")
    is_private = is_listed(url, private_hosts)
    if parts.scheme != "https" and not is_private:
        raise ValueError("is plain http, which only notifications.private_hosts may have")
    if hosts is not None and not is_listed(url, hosts):
        raise ValueError(f"is at {parts.netloc}, which the settings do not list")
    _check_number(host, is_private=is_private)
    return host


def _check_number(host: str, *, is_private: bool) -> None:
    """Look at a host that is an address; names are looked up when something is sent."""
    if is_odd_notation(host):
        raise ValueError("writes its IP address in an unusual way")
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        if not is_private and (host == "localhost" or host.endswith(".localhost") or "." not in host):
            raise ValueError("is inside the network, and notifications.private_hosts does not list it") from None
        return
    if refusal := refusal_of(address, is_private_allowed=is_private):
        raise ValueError(f"cannot be used: {refusal}".replace("allow_private_addresses", "notifications.private_hosts"))
