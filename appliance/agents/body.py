"""Strict JSON of a hook call: what two readers could understand differently is refused (RFC 8259, I-JSON RFC 7493)."""

from typing import Any, Final

import msgspec

from appliance.agents.errors import BodyRefusedError, BodyTooLargeError

INTEGER_MAX: Final = 2**53 - 1  # RFC 7493 section 2.2
_WHITE: Final = b" \t\r\n"
_DECODE: Final = msgspec.json.Decoder().decode


def parse(raw: bytes, *, bytes_max: int, depth_max: int, members_max: int) -> dict[str, Any]:
    """The JSON object in `raw`; `{}` if there is nothing in it.

    Args:
        raw: UTF-8 without a byte order mark.
        bytes_max: largest size.
        depth_max: deepest nesting; the object itself is level 1.
        members_max: most members and array elements in all.

    Raises:
        BodyTooLargeError: beyond a limit.
        BodyRefusedError: not JSON, not an object, a repeated key, an integer beyond 2^53-1, a lone surrogate.
    """
    if len(raw) > bytes_max:
        raise BodyTooLargeError(f"The hook body has more than {bytes_max} bytes")
    if not raw.strip(_WHITE):
        return {}
    # Every member but a container's first has a comma before it: a cheap bound before anything is built.
    if raw.count(b",") > members_max and _outside_strings(raw).count(b",") > members_max:
        raise BodyTooLargeError(f"The hook body has more than {members_max} members")
    value = _decoded(raw)
    if type(value) is not dict:
        raise BodyRefusedError("The hook body is not a JSON object")
    members, elements = _measure(value, depth_max)
    if members + elements > members_max:
        raise BodyTooLargeError(f"The hook body has more than {members_max} members")
    # msgspec keeps the last of two members of one name silently. In valid JSON each member has one colon outside
    # of strings, so members that went missing are seen by counting; without colons in strings, quickly.
    if raw.count(b":") != members and _outside_strings(raw).count(b":") != members:
        raise BodyRefusedError("The hook body has an object with a repeated key")
    return value


def _decoded(raw: bytes) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return _DECODE(raw)
    except RecursionError as problem:
        raise BodyTooLargeError("The hook body is nested too deeply") from problem
    except UnicodeDecodeError as problem:
        raise BodyRefusedError("The hook body is not UTF-8") from problem
    except (msgspec.DecodeError, ValueError) as problem:
        # msgspec names the byte and what was expected there, never the text itself.
        raise BodyRefusedError(f"The hook body is not JSON: {problem}") from problem


def _measure(root: dict[str, Any], depth_max: int) -> tuple[int, int]:
    """Numbers of object members and of array elements, level by level."""
    members = elements = depth = 0
    level: list[Any] = [root]
    while level:
        depth += 1
        if depth > depth_max:
            raise BodyTooLargeError(f"The hook body is nested more than {depth_max} levels deep")
        below: list[Any] = []
        for container in level:
            if type(container) is dict:
                members += len(container)
                values = container.values()
            else:
                elements += len(container)
                values = container
            for value in values:
                kind = type(value)
                if kind is str:
                    continue
                if kind is dict or kind is list:
                    below.append(value)
                elif kind is int and not -INTEGER_MAX <= value <= INTEGER_MAX:
                    raise BodyRefusedError("The hook body has an integer beyond 2^53-1")
        level = below
    return members, elements


def _outside_strings(raw: bytes) -> bytes:
    """What stands between the strings of valid JSON."""
    if b"\\" in raw:
        # Escaped backslashes go first: then a backslash before a quote can only be one that escapes it.
        raw = raw.replace(b"\\\\", b"").replace(b'\\"', b"")
    return b"".join(raw.split(b'"')[::2])
