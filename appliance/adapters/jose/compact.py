"""The compact form of a signed token (RFC 7515 section 7.1), taken apart strictly before any key is looked at."""

import base64
import re
from typing import Any, Final

import msgspec

from appliance.identity.providers.documents import read_object
from appliance.identity.providers.errors import Cause, RefusedError

TOKEN_MAX: Final = 65_536
_PARTS: Final = 3
_ALPHABET: Final = re.compile(r"[A-Za-z0-9_-]+")
_KEY_ID: Final = re.compile(r"(?!.*\.\.)[A-Za-z0-9_.~=+:@/-]{1,200}")
# They name keys, or change what is signed, from inside of the token: whoever wrote it would choose its own judge.
_REFUSED_MEMBERS: Final = frozenset({"crit", "jku", "x5u", "x5c", "jwk", "zip", "enc", "b64", "epk"})
_TYPES: Final = frozenset({"jwt", "logout+jwt"})


class Compact(msgspec.Struct, frozen=True, kw_only=True):
    """A token taken apart: what it claims is not to be believed before `signed` is verified."""

    key_id: str | None
    signed: bytes
    signature: bytes
    payload: bytes


def take_apart(token: str, algorithm: str) -> Compact:
    """The parts of a token whose header names exactly `algorithm` and nothing that would be dangerous.

    Raises:
        RefusedError: anything else.
    """
    if len(token) > TOKEN_MAX:
        raise RefusedError(Cause.TOKEN_TOO_LARGE)
    parts = token.split(".")
    if len(parts) != _PARTS:
        raise RefusedError(Cause.TOKEN_MALFORMED, "not three parts")
    header = read_part(_decoded(parts[0]))
    _check_header(header, algorithm)
    payload, signature = _decoded(parts[1]), _decoded(parts[2])
    signed = f"{parts[0]}.{parts[1]}".encode("ascii")
    return Compact(key_id=_key_id(header), signed=signed, signature=signature, payload=payload)


def read_part(raw: bytes) -> dict[str, Any]:
    """The JSON object in a part.

    Raises:
        RefusedError: it is none.
    """
    try:
        return read_object(raw)
    except ValueError as problem:
        raise RefusedError(Cause.TOKEN_MALFORMED, str(problem)[:100]) from problem


def _check_header(header: dict[str, Any], algorithm: str) -> None:
    if header.get("alg") != algorithm:
        raise RefusedError(Cause.ALGORITHM_REFUSED)
    named = sorted(_REFUSED_MEMBERS & {name.lower() for name in header})
    if named:
        raise RefusedError(Cause.HEADER_REFUSED, named[0])
    kind = header.get("typ", "jwt")
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in _TYPES or "cty" in header:
        raise RefusedError(Cause.HEADER_REFUSED, "typ")


def _key_id(header: dict[str, Any]) -> str | None:
    if "kid" not in header:
        return None
    key_id = header["kid"]
    if not isinstance(key_id, str) or not _KEY_ID.fullmatch(key_id):
        raise RefusedError(Cause.KEY_ID_REFUSED)
    return key_id


def _decoded(part: str) -> bytes:
    """The bytes of a part, which has one spelling only: no padding, no other alphabet, no bits left over."""
    if not _ALPHABET.fullmatch(part) or len(part) % 4 == 1:
        raise RefusedError(Cause.TOKEN_MALFORMED, "not base64url")
    raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=") != part:
        raise RefusedError(Cause.TOKEN_MALFORMED, "not the one spelling")
    return raw
