"""Is the port free? Asked before anything is started, so that the answer is a sentence and not a log."""

import errno
import socket
from ipaddress import IPv4Address, ip_address

from installer.errors import PortInUseError


def check_port(host: str, port: int) -> None:
    """Bind it for a moment.

    Raises:
        PortInUseError: it cannot be listened on.
    """
    try:
        [(family, kind, protocol, _, address), *_] = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as problem:
        why = "another program uses it" if problem.errno == errno.EADDRINUSE else problem.strerror or str(problem)
        raise PortInUseError(host, port, why) from problem


def reachable(host: str) -> str:
    """Where this machine reaches a server that listens on `host`, which may stand for every address."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not address.is_unspecified:
        return host
    return "127.0.0.1" if isinstance(address, IPv4Address) else "::1"
