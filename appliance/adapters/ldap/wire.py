"""One connection to one host: bytes out, whole messages in, everything within its time."""

import select
import socket
import ssl
import time
from collections import deque
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

from appliance.adapters.ldap import ber, failures
from appliance.adapters.ldap.failures import Failure, HostFailedError

_PORTS: Final = {"ldap": 389, "ldaps": 636}
_CHUNK: Final = 65_536
_RECORD_BYTES: Final = 16_384  # TLS has no longer ones
_MESSAGE_BYTES_MAX: Final = 64 * 1024 * 1024


def place(url: str) -> tuple[str, int]:
    """Host name and port of a directory's URL."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or _PORTS[parts.scheme]


class Wire:
    """A socket that another thread may cut."""

    def __init__(self, *, receive_seconds: float, deadline: float) -> None:
        """`deadline` is on the monotonic clock and bounds everything; `receive_seconds` bounds one message."""
        self._receive_seconds = receive_seconds
        self._deadline = deadline
        self._socket: socket.socket | None = None
        self._buffer = bytearray()
        self._waiting = deque[ber.Message]()
        self._received = memoryview(bytearray(_RECORD_BYTES))

    @property
    def tls(self) -> ssl.SSLSocket | None:
        """The encrypted socket, if it is."""
        return self._socket if isinstance(self._socket, ssl.SSLSocket) else None

    def connect(self, url: str, seconds: float) -> None:
        """Reach the host by any of its addresses, all of them within the seconds.

        Raises:
            HostFailedError: none of them answers.
        """
        until = min(time.monotonic() + seconds, self._deadline)
        try:
            self._connect(url, until)
        except OSError as problem:
            raise failures.of(problem) from problem

    def _connect(self, url: str, until: float) -> None:
        problem: OSError = OSError("the name has no address")
        for family, kind, protocol, _, address in socket.getaddrinfo(*place(url), type=socket.SOCK_STREAM):
            self.cut()
            self._socket = socket.socket(family, kind, protocol)
            try:
                self._socket.settimeout(_left(until))
                self._socket.connect(address)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError as this:
                problem = this
            else:
                return
        raise problem

    def secure(self, context: ssl.SSLContext, host: str, seconds: float) -> None:
        """Go on in TLS with a host that proves its name.

        Raises:
            HostFailedError: it does not, or it sent something before TLS that would be taken for an answer within.
        """
        if self._buffer or self._waiting or self._socket is None:
            raise HostFailedError(Failure.START_TLS, "the host sent more than its answer before TLS began")
        try:
            self._socket.settimeout(_left(min(time.monotonic() + seconds, self._deadline)))
            self._socket = context.wrap_socket(self._socket, server_hostname=host)
        except OSError as problem:
            raise failures.of(problem) from problem

    def send(self, data: bytes) -> None:
        """Send all of it.

        Raises:
            HostFailedError: the host has gone, or takes nothing.
        """
        try:
            self._connected().settimeout(self._left())
            self._connected().sendall(data)
        except OSError as problem:
            raise failures.of(problem) from problem

    def receive(self) -> ber.Message:
        """The next message.

        Raises:
            HostFailedError: there is none in time, the host has gone, or what it sends is not LDAP.
        """
        until = min(time.monotonic() + self._receive_seconds, self._deadline)
        try:
            while not self._waiting:
                self._fill(until)
                self._take_apart()
            return self._waiting.popleft()
        except ber.MalformedError as problem:
            raise HostFailedError(Failure.NONSENSE, f"not LDAP: {problem}") from problem
        except OSError as problem:
            raise failures.of(problem) from problem

    def _take_apart(self) -> None:
        """Whole messages out of the buffer."""
        at = 0
        while (end := self._end(at)) <= len(self._buffer):
            self._waiting.append(ber.message(bytes(self._buffer[at:end])))
            at = end
        del self._buffer[:at]

    def _end(self, at: int) -> int:
        """Where the message ends that begins there; beyond the buffer if that cannot be told yet."""
        try:
            _, _, end = ber.head(self._buffer, at)
        except IndexError:
            return len(self._buffer) + 1
        if end - at > _MESSAGE_BYTES_MAX:
            raise HostFailedError(Failure.NONSENSE, f"a message of {end - at} bytes")
        return end

    def _fill(self, until: float) -> None:
        """Wait for bytes, and take all that are there: servers send each entry in a record of TLS of its own."""
        connected, before = self._connected(), len(self._buffer)
        connected.settimeout(0)
        while len(self._buffer) - before < _CHUNK:
            try:
                size = connected.recv_into(self._received)
            except (BlockingIOError, ssl.SSLWantReadError):
                if len(self._buffer) > before:
                    return
                _wait(connected, select.POLLIN, until)
            except ssl.SSLWantWriteError:
                _wait(connected, select.POLLOUT, until)
            except OSError:
                if len(self._buffer) == before:
                    raise
                return  # what came before is looked at first
            else:
                if not size:
                    break
                self._buffer += self._received[:size]
        if len(self._buffer) == before:
            raise HostFailedError(Failure.BROKEN, "the host closed the connection")

    def _left(self) -> float:
        return _left(min(time.monotonic() + self._receive_seconds, self._deadline))

    def _connected(self) -> socket.socket:
        if self._socket is None:
            raise HostFailedError(Failure.BROKEN, "the connection was closed")
        return self._socket

    def cut(self) -> None:
        """End it; whoever waits for it in another thread gets an error at once."""
        if self._socket is not None:
            with suppress(OSError):
                # The method of SSLSocket would take the state away that the other thread is using.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def close(self) -> None:
        """End it and give the descriptor back; only for the thread that uses it."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _wait(connected: socket.socket, event: int, until: float) -> None:
    """Until something can be read or written.

    Raises:
        TimeoutError: nothing can, in time.
    """
    poll = select.poll()
    poll.register(connected, event)
    if not poll.poll(1000 * _left(until)):
        raise TimeoutError


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
