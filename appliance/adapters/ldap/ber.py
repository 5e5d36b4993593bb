"""Reading what servers send: the few forms of BER that LDAP has (RFC 4511, 5.1).

ldap3's own decoder takes ten times as long for an entry, and hides what does not fit.
"""

from typing import Final

import msgspec

BIND_RESPONSE: Final = 0x61
ENTRY: Final = 0x64
DONE: Final = 0x65
REFERENCE: Final = 0x73
EXTENDED_RESPONSE: Final = 0x78
INTERMEDIATE: Final = 0x79

_SEQUENCE: Final = 0x30
_REFERRAL: Final = 0xA3
_CONTROLS: Final = 0xA0
_OCTETS: Final = 0x04
_LONG: Final = 0x80

Attributes = dict[str, list[bytes]]
# Names of attributes seen so far, in lower case: few of them, many times.
_NAMES: Final[dict[bytes, str]] = {}
_NAMES_MAX: Final = 1000


class MalformedError(ValueError):
    """Bytes that are no LDAP message."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a server.

    Attributes:
        number: that of the request it answers; 0 for what nobody asked for.
        operation: tag of the operation, one of the constants above.
        body: the operation's content.
        controls: value by OID; empty bytes for a control without value.
    """

    number: int
    operation: int
    body: bytes
    controls: dict[str, bytes]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of an operation (RFC 4511, 4.1.9)."""

    code: int
    said: str
    referrals: tuple[str, ...] = ()


def head(data: bytes | bytearray, at: int) -> tuple[int, int, int]:
    """Tag, begin and end of the content of the element at a place.

    Raises:
        IndexError: too few bytes to tell.
        MalformedError: a length that LDAP does not allow.
    """
    tag, length = data[at], data[at + 1]
    at += 2
    if length >= _LONG:
        size = length - _LONG
        if not 1 <= size <= 8:  # noqa: PLR2004 - the indefinite form, and more than 64 bits
            raise MalformedError(f"length of {size} bytes")
        if at + size > len(data):
            raise IndexError
        length = int.from_bytes(data[at : at + size])
        at += size
    return tag, at, at + length


def message(data: bytes) -> Message:
    """Take the envelope off.

    Raises:
        MalformedError: this is no LDAP message.
    """
    try:
        tag, at, end = head(data, 0)
        kind, begin, stop = head(data, at)
        if tag != _SEQUENCE or kind != 0x02 or end != len(data):  # noqa: PLR2004 - INTEGER
            raise MalformedError("not a sequence that begins with a number")
        operation, body, stop_body = head(data, stop)
        if stop_body > end:
            raise MalformedError("longer than its envelope")
        controls = _controls(data, stop_body, end) if stop_body < end else {}
        return Message(
            number=int.from_bytes(data[begin:stop]),
            operation=operation,
            body=data[body:stop_body],
            controls=controls,
        )
    except IndexError:
        raise MalformedError("shorter than it says") from None


def result(body: bytes) -> Result:
    """Outcome of a bind, a search or an extended operation.

    Raises:
        MalformedError: the body is something else.
    """
    parts = children(body)
    try:
        (_, code), (_, _matched), (_, said) = parts[:3]
    except ValueError:
        raise MalformedError("not a result") from None
    referrals = next((value for tag, value in parts[3:] if tag == _REFERRAL), b"")
    return Result(code=int.from_bytes(code), said=_text(said), referrals=strings(referrals))


def entry(body: bytes) -> tuple[str, Attributes]:
    """Distinguished name and attributes (names in lower case) of a search's entry.

    Raises:
        MalformedError: the body is something else.
    """
    attributes: Attributes = {}
    try:
        _, begin, at = head(body, 0)
        name = body[begin:at].decode()
        _, at, end = head(body, at)
        while at < end:
            _, at, stop = head(body, at) if body[at + 1] >= _LONG else (0, at + 2, at + 2 + body[at + 1])
            _, begin, at = head(body, at) if body[at + 1] >= _LONG else (0, at + 2, at + 2 + body[at + 1])
            described = body[begin:at]
            _, at, stop_values = head(body, at) if body[at + 1] >= _LONG else (0, at + 2, at + 2 + body[at + 1])
            # Nearly all have one short value; reading a directory is mostly this loop.
            is_single = at < stop_values and at + 2 + body[at + 1] == stop_values and body[at + 1] < _LONG
            values = [body[at + 2 : stop_values]] if is_single else _values(body, at, stop_values)
            attributes[_NAMES.get(described) or _named(described)] = values
            at = stop
        if end != len(body):
            raise MalformedError("not an entry")
    except (IndexError, UnicodeDecodeError):
        raise MalformedError("not an entry") from None
    return name, attributes


def _named(described: bytes) -> str:
    name = described.decode().lower()
    if len(_NAMES) < _NAMES_MAX:
        _NAMES[described] = name
    return name


def _values(body: bytes, at: int, stop: int) -> list[bytes]:
    values = []
    while at < stop:
        length = body[at + 1]
        if length < _LONG:
            begin = at + 2
            at = begin + length
        else:
            _, begin, at = head(body, at)
        values.append(body[begin:at])
    if at != stop:
        raise MalformedError("values longer than their attribute")
    return values


def children(body: bytes) -> list[tuple[int, bytes]]:
    """Tags and contents of the elements in a row.

    Raises:
        MalformedError: they do not fill the body exactly.
    """
    at, found = 0, []
    try:
        while at < len(body):
            tag, begin, at = head(body, at)
            found.append((tag, body[begin:at]))
    except IndexError:
        raise MalformedError("shorter than it says") from None
    if at != len(body):
        raise MalformedError("longer than its envelope")
    return found


def strings(body: bytes) -> tuple[str, ...]:
    """A sequence's texts, e.g. the addresses of a referral."""
    return tuple([_text(value) for _, value in children(body)])


def _controls(data: bytes, at: int, end: int) -> dict[str, bytes]:
    tag, begin, stop = head(data, at)
    if tag != _CONTROLS or stop != end:
        raise MalformedError("something behind the operation")
    found = {}
    for _, control in children(data[begin:stop]):
        (_, oid), *rest = children(control)
        found[_text(oid)] = next((value for tag, value in rest if tag == _OCTETS), b"")
    return found


def _text(value: bytes) -> str:
    return value.decode(errors="replace")
