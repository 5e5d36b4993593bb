"""The two questions about the port: may we listen, and does the service answer."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from appliance.config import Config
from appliance.config.sections import Server
from installer.errors import PortInUseError
from installer.steps.health import health, is_ready
from installer.steps.port import check_port, reachable
from tests.support import processes


@contextmanager
def answering(answer: bytes) -> Iterator[Config]:
    """A server that gives one answer, in two pieces, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer[:20])
                connection.sendall(answer[20:])

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield Config(server=Server(port=listener.getsockname()[1]))
        thread.join(5)


@pytest.mark.parametrize(("status", "ready"), [(200, True), (503, False)])
def test_only_200_is_ready(status: int, ready: bool) -> None:  # noqa: FBT001 - a case of the table
    """The body tells why it is not."""
    with answering(b"HTTP/1.1 %d X\r\nContent-Length: 2\r\n\r\n{}" % status) as config:
        assert is_ready(config) is ready


def test_the_body_comes_whole() -> None:
    """Status and body."""
    with answering(b'HTTP/1.1 503 Service Unavailable\r\n\r\n{"status": "unavailable"}') as config:
        assert health(config) == (503, b'{"status": "unavailable"}')


@pytest.mark.parametrize("answer", [b"", b"nonsense", b"HTTP/1.1 two hundred\r\n\r\n"])
def test_what_is_no_answer_is_not_ready(answer: bytes) -> None:
    """Nobody, or somebody who does not speak HTTP."""
    with answering(answer) as config:
        assert not is_ready(config)


def test_a_port_in_use_is_told_before_anything_starts() -> None:
    """With the port, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(PortInUseError, match=f"127.0.0.1 port {port} .*another program uses it"):
            check_port("127.0.0.1", port)
    check_port("127.0.0.1", processes.free_port())


@pytest.mark.parametrize(
    ("host", "reached"),
    [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("127.0.0.2", "127.0.0.2"), ("localhost", "localhost")],  # noqa: S104
)
def test_a_server_on_every_address_is_reached_on_this_machine(host: str, reached: str) -> None:
    """Nobody can connect to the unspecified address everywhere."""
    assert reachable(host) == reached


def test_an_address_that_is_not_ours_is_told() -> None:
    """It is not this machine's (RFC 5737)."""
    with pytest.raises(PortInUseError):
        check_port("192.0.2.1", 9318)
