"""Ask the running service whether it is ready. By hand over a socket: an HTTP library is 7 MB that `up` would keep."""

import socket
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from appliance.config import Config
from installer.steps.port import reachable

_TIMEOUT_SECONDS: Final = 2.0
_BYTES_MAX: Final = 65_536


def health(config: Config, path: str = "/health/ready") -> tuple[int, bytes]:
    """Status and body of the answer; (0, b"") if there is none."""
    host = urlsplit(config.public_origin).netloc
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: application/json\r\nConnection: close\r\n\r\n"
    address = (reachable(config.server.host), config.server.port)
    answer = b""
    try:
        with socket.create_connection(address, timeout=_TIMEOUT_SECONDS) as connection:
            connection.sendall(request.encode())
            while len(answer) < _BYTES_MAX and (more := connection.recv(8192)):
                answer += more
    except OSError:
        return 0, b""
    head, _, body = answer.partition(b"\r\n\r\n")
    status = head.split(b" ", 2)[1:2]
    return (int(status[0]) if status and status[0].isdigit() else 0), body


def is_ready(config: Config) -> bool:
    """Whether the service decides."""
    return health(config)[0] == HTTPStatus.OK
