"""Host names out of addresses and remote file names."""

from typing import Final

_LOCAL: Final = frozenset(["localhost", "::1", "0.0.0.0", "ip6-localhost", "host.docker.internal"])  # noqa: S104 - compared only
_METADATA: Final = frozenset([
    "169.254.169.254", "metadata.google.internal", "metadata", "fd00:ec2::254", "100.100.100.200", "169.254.170.2",
    "metadata.azure.internal", "instance-data",
])  # fmt: skip


def host_of(url: str) -> str:
    """Give the host of a URL or `host:port/path`, lower case; empty if there is none, as for `file:` addresses."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        rest = url
    elif scheme.lower() == "file":
        return ""
    # Some parsers take a backslash for a slash: what is before it is the host.
    authority = rest.replace("\\", "/").split("/", 1)[0].split("?", 1)[0].split("#", 1)[0]
    authority = authority.rpartition("@")[2]
    if authority.startswith("["):
        return authority[1:].partition("]")[0].lower()
    return authority.partition(":")[0].rstrip(".").lower()


def is_local(host: str) -> bool:
    """Tell whether a host is this machine."""
    is_loopback = host.startswith("127.") and host.replace(".", "").isdigit()
    return host in _LOCAL or is_loopback or host.endswith(".localhost")


def is_metadata(host: str) -> bool:
    """Tell whether a host is a cloud's instance metadata, which hands out credentials."""
    return host in _METADATA or host in {"2852039166", "0xa9fea9fe", "0251.0376.0251.0376"}


def remote_of(word: str) -> tuple[str, str] | None:
    """Split `user@host:path` or `rsync://host/path`; None for a local file."""
    if "://" in word:
        return host_of(word), word.partition("://")[2].partition("/")[2]
    place, colon, path = word.partition(":")
    if not colon or "/" in place or len(place) < 2 or not place:  # noqa: PLR2004 - `C:` is a drive
        return None
    return place.rpartition("@")[2].strip("[]").lower(), path.lstrip(":")
