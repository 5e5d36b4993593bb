"""What a hook call says outside of its body: token, version, and the headers to echo (published clients' contract)."""

from typing import Final, NamedTuple
from urllib.parse import unquote

from litestar.types import Scope

from server import contract
from server.contract import FUNCTION_HEADER, VERSION_HEADER
from server.headers import RawHeaders

# As the CLI sends it, and as the desktop does.
VERSIONS: Final = ("2026-05-22.local-hook-evaluate.v1", "2026-05-22.tenant-hook-evaluate.v1")
_KNOWN: Final = frozenset(version.encode() for version in VERSIONS)
_ECHO_BYTES_MAX: Final = 100
_ECHOED: Final = frozenset({FUNCTION_HEADER, VERSION_HEADER})
_BEARER: Final = b"bearer "
_TIMEOUT_DIGITS_MAX: Final = 5


class Envelope(NamedTuple):
    """A call without its body.

    Attributes:
        token: empty if there is none, or if there are several different ones.
        version: as sent; empty if there is none.
        length: of the body as announced; None if it is not.
        timeout_seconds: the hook's own time-out, where hooks of our own making tell it.
        echoed: the client's version headers, for the answer.
    """

    token: str
    client_version: str
    version: bytes
    length: int | None
    timeout_seconds: float | None
    echoed: RawHeaders


def envelope_of(scope: Scope) -> Envelope:
    """Read query and headers; the token comes as `user_token`, or as bearer from hooks of our own making."""
    token, client_version, timeout = _query_of(scope["query_string"])
    version, length, echoed = b"", None, []
    for name, value in scope["headers"]:
        if name == b"content-length":
            length = int(value) if value.isdigit() else None
        elif name in _ECHOED:
            if name == VERSION_HEADER:
                version = value
            if len(value) <= _ECHO_BYTES_MAX:
                echoed.append((name, value))
        elif name == b"authorization" and not token and value[: len(_BEARER)].lower() == _BEARER:
            token = value[len(_BEARER) :].strip().decode("latin-1")
    return Envelope(token, client_version, version, length, timeout, echoed)


def is_spoken(version: bytes) -> bool:
    """Whether this release speaks a version: none named, the present one, or an older date of the same major."""
    if not version or version in _KNOWN:
        return True
    return any(contract.is_spoken(version.decode("latin-1"), ours) for ours in VERSIONS)


def _query_of(query: bytes) -> tuple[str, str, float | None]:
    """Token, client version and time-out; a time-out that is no whole number of seconds counts as none."""
    tokens, client_version, timeout = set(), b"", b""
    for part in query.split(b"&"):
        if part.startswith(b"user_token="):
            tokens.add(part[11:])
        elif part.startswith(b"client_version="):
            client_version = part[15:]
        elif part.startswith(b"timeout_seconds="):
            timeout = part[16:]
    token = tokens.pop() if len(tokens) == 1 else b""
    seconds = float(timeout) if timeout.isdigit() and len(timeout) <= _TIMEOUT_DIGITS_MAX else None
    return _decoded(token), _decoded(client_version), seconds


def _decoded(value: bytes) -> str:
    text = value.decode("latin-1")
    return unquote(text.replace("+", " ")) if "%" in text or "+" in text else text
