"""Origins as browsers send them (RFC 6454 section 6.2, WHATWG URL host serialisation)."""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_address
from typing import Final
from urllib.parse import urlsplit

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_NAME: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*\.?")
_NAME_CHARACTERS_MAX: Final = 253


def is_loopback(host: str) -> bool:
    """Whether a host name or address always means the machine itself (RFC 6761 section 6.3)."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def is_host(text: str) -> bool:
    """Whether a text is a host name or an IP address without brackets."""
    try:
        normalised_host(text)
    except ValueError:
        return False
    return True


def host_and_port(text: str) -> tuple[str, int | None]:
    """A host name or address without brackets, and the port behind it; None where there is none."""
    host, colon, port = text.rpartition(":")
    is_address = ":" in host and not (host.startswith("[") and host.endswith("]"))
    if not colon or is_address or not (port.isascii() and port.isdecimal()):
        return text.removeprefix("[").removesuffix("]"), None
    return host.removeprefix("[").removesuffix("]"), int(port)


def normalised_host(text: str) -> str:
    """The host as it stands in an origin: lower case, punycode, IPv6 compressed and in brackets.

    Raises:
        ValueError: if it is neither a name nor an address.
    """
    try:
        return f"[{IPv6Address(text)}]"
    except AddressValueError:
        pass
    try:
        return str(IPv4Address(text))
    except AddressValueError:
        pass
    try:
        name = text.lower() if text.isascii() else text.encode("idna").decode().lower()
    except UnicodeError:
        name = ""
    # A name whose last label is a number would be read as an odd spelling of an IPv4 address.
    last = name.rstrip(".").rpartition(".")[2]
    if len(name) > _NAME_CHARACTERS_MAX or not _NAME.fullmatch(name) or re.fullmatch(r"\d+|0x[0-9a-f]*", last):
        raise ValueError("is not a host name or an IP address")
    return name


def origin_of(scheme: str, host: str, port: int | None) -> str:
    """`scheme://host[:port]` without the scheme's own port.

    Raises:
        ValueError: with what is wrong, when the host is none, or plain http leaves the machine.
    """
    name = normalised_host(host)
    if scheme == "http" and not is_loopback(host):
        raise ValueError("must be https, because plain http is safe on a loopback address only")
    return f"{scheme}://{name}" + ("" if port in (None, _DEFAULT_PORTS[scheme]) else f":{port}")


def normalised_origin(text: str) -> str:
    """The origin of a URL that has no path, query, fragment or user, as browsers send it.

    Raises:
        ValueError: with what is wrong.
    """
    if any(character <= " " or character == "\x7f" for character in text) or "\\" in text:
        raise ValueError("must not hold spaces, control characters or backslashes")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("is not a URL") from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError("must begin with https:// and a host name")
    if "@" in parts.netloc:
        raise ValueError("must not hold a user")
    if parts.path not in ("", "/") or "?" in text or "#" in text:
        raise ValueError("must not hold a path, query or fragment, because clients call the host's root")
    if port == 0 or "%" in parts.hostname:
        raise ValueError("is not a URL")
    return origin_of(parts.scheme, parts.hostname, port)
