"""A small LDAP server that does as it is told and counts what it is asked: for faults that no real one has."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from enum import Enum
from pathlib import Path
from uuid import UUID, uuid4

from appliance.adapters.ldap import ber

SERVICE = "cn=reader,dc=example,dc=test"
SERVICE_PASSWORD = "reads everything"
BASE = "dc=example,dc=test"

Operations = Sequence[tuple[int, bytes]]


class Fault(Enum):
    """What may happen instead of an answer."""

    HANG = "hang"
    RESET = "reset"
    CLOSE = "close"


def tlv(tag: int, *parts: bytes) -> bytes:
    """One element of BER, with the long form of lengths that Active Directory always uses."""
    body = b"".join(parts)
    return bytes([tag, 0x84]) + struct.pack(">I", len(body)) + body


def integer(value: int, tag: int = 0x02) -> bytes:
    """A whole number that is not negative."""
    return tlv(tag, value.to_bytes(value.bit_length() // 8 + 1))


def text(value: str, tag: int = 0x04) -> bytes:
    """A string."""
    return tlv(tag, value.encode())


def outcome(tag: int, code: int = 0, said: str = "", referral: str = "") -> tuple[int, bytes]:
    """The end of an operation."""
    parts = [integer(code, 0x0A), text(""), text(said)]
    return tag, b"".join([*parts, *([tlv(0xA3, text(referral))] if referral else [])])


def entry(dn: str, **attributes: str | bytes | Sequence[str | bytes]) -> tuple[int, bytes]:
    """One entry; `member__range__0_1` becomes `member;range=0-1`."""
    listed = [
        tlv(0x30, text(_attribute(name)), tlv(0x31, *[_value(each) for each in _listed(value)]))
        for name, value in attributes.items()
    ]
    return ber.ENTRY, text(dn) + tlv(0x30, *listed)


def person(uid: str, *, key: UUID | None = None, **more: str) -> tuple[int, bytes]:
    """The entry of somebody."""
    dn = f"uid={uid},{BASE}"
    return entry(dn, entryUUID=str(key or uuid4()), uid=uid, cn=uid.title(), mail=f"{uid}@example.test", **more)


def reference() -> tuple[int, bytes]:
    """A continuation elsewhere."""
    return ber.REFERENCE, text("ldap://elsewhere.example.test/dc=example,dc=test")


def _attribute(name: str) -> str:
    attribute, marker, bounds = name.partition("__range__")
    return f"{attribute};range={bounds.replace('_', '-').replace('end', '*')}" if marker else attribute


def _listed(value: str | bytes | Sequence[str | bytes]) -> Sequence[str | bytes]:
    return [value] if isinstance(value, str | bytes) else value


def _value(value: str | bytes) -> bytes:
    return tlv(0x04, value if isinstance(value, bytes) else value.encode())


class StubDirectory:
    """The server; set `on_bind`, `on_search`, `on_accept` to make it misbehave.

    As careless servers do, it lets in everybody who sends an empty name or password.
    """

    def __init__(self) -> None:
        self.passwords = {SERVICE: SERVICE_PASSWORD, f"uid=ida,{BASE}": "right"}
        self.found: Operations = [person("ida")]
        self.binds: list[tuple[str, str]] = []
        self.searches: list[bytes] = []
        self.connections = 0
        self.on_accept: Fault | bytes | None = None
        self.on_bind: Callable[[str, str], tuple[int, bytes] | Fault | None] = lambda _name, _password: None
        self.on_search: Callable[[bytes], Operations | Fault | None] = lambda _body: None
        self.has_pages = True
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def password_binds(self) -> list[tuple[str, str]]:
        """Attempts of people: all binds but those of the service account."""
        return [each for each in self.binds if each[0] != SERVICE]

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Talk with one client."""
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if isinstance(self.on_accept, bytes):
                writer.write(self.on_accept)
            elif self.on_accept is not None:
                await self._misbehave(self.on_accept, writer)
            with suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
                while await self._answer(reader, writer):
                    pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        request = ber.message(await _message(reader))
        if request.operation == 0x60:
            _, (_, name), (_, password) = ber.children(request.body)
            answer = self._bind(name.decode(), password.decode())
        elif request.operation == 0x63:
            self.searches.append(request.body)
            answer = self._search(request.body)
        else:
            answer = [outcome(ber.EXTENDED_RESPONSE, 2, "not here")]
        if isinstance(answer, Fault):
            await self._misbehave(answer, writer)
            return False
        for tag, body in answer:
            control = tlv(0xA0, tlv(0x30, text("1.2.840.113556.1.4.319"), tlv(0x04, _LAST_PAGE)))
            is_last_page = self.has_pages and tag == ber.DONE and "1.2.840.113556.1.4.319" in request.controls
            writer.write(tlv(0x30, integer(request.number), tlv(tag, body), control if is_last_page else b""))
        await writer.drain()
        return True

    def _bind(self, name: str, password: str) -> Operations | Fault:
        self.binds.append((name, password))
        told = self.on_bind(name, password)
        if told is not None:
            return told if isinstance(told, Fault) else [told]
        is_right = not name or not password or self.passwords.get(name) == password
        return [outcome(ber.BIND_RESPONSE, 0 if is_right else 49)]

    def _search(self, body: bytes) -> Operations | Fault:
        told = self.on_search(body)
        return told if told is not None else [*self.found, outcome(ber.DONE)]

    async def _misbehave(self, fault: Fault, writer: asyncio.StreamWriter) -> None:
        if fault is Fault.HANG:
            await asyncio.sleep(3600)
        if fault is Fault.RESET:
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()
        raise ConnectionResetError

    async def stop(self) -> None:
        """End all conversations, those that hang too."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


_LAST_PAGE = tlv(0x30, integer(0), text(""))


async def _message(reader: asyncio.StreamReader) -> bytes:
    data = await reader.readexactly(2)
    while True:
        with suppress(IndexError):
            _, _, end = ber.head(data, 0)
            return data + await reader.readexactly(end - len(data))
        data += await reader.readexactly(1)


@asynccontextmanager
async def stub_directory(pair: tuple[Path, Path] | None = None) -> AsyncIterator[StubDirectory]:
    """Run it on a free port of 127.0.0.1, as LDAPS if there is a certificate."""
    stub, context = StubDirectory(), None
    if pair is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*pair)
    server = await asyncio.start_server(stub.accept, "127.0.0.1", 0, ssl=context)
    stub.port = server.sockets[0].getsockname()[1]
    try:
        yield stub
    finally:
        server.close()
        await stub.stop()
        await server.wait_closed()
