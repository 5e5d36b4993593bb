"""The one form in which a JSON value is hashed: the JSON Canonicalization Scheme (RFC 8785)."""

from collections.abc import Mapping
from typing import Any

import msgspec

from appliance.ledger.errors import CanonicalError

INTEGER_MAX = 2**53 - 1
LEVELS_MAX = 200
# From here on ECMAScript writes a number with an exponent (ECMA-262, Number::toString).
_PLAIN_DIGITS_MAX = 21
_LEADING_ZEROS_MAX = 6

# msgspec escapes strings as RFC 8785 section 3.2.2.2 wants it, and writes plain integers the same way.
_ENCODE_SORTED = msgspec.json.Encoder(order="deterministic").encode
_ENCODE_AS_GIVEN = msgspec.json.Encoder().encode


def canonical_bytes(value: Any, level: int = 0) -> bytes:  # noqa: ANN401 - any JSON value
    """The canonical form of a JSON value in UTF-8 (RFC 8785); it stands `level` levels deep in something larger.

    Raises:
        CanonicalError: the value has no such form: NaN, an infinity, an integer beyond 2^53-1, a lone surrogate,
            a key that is not a string, more than 200 levels, or something that is not JSON.
    """
    try:
        if _is_plain(value, level):
            return _ENCODE_SORTED(value)
        return _ENCODE_AS_GIVEN(_rebuilt(value, level))
    except UnicodeEncodeError as problem:
        raise CanonicalError("A string holds a lone surrogate, which no text can be") from problem


def canonical_record(record: msgspec.Struct) -> bytes:
    """As `canonical_bytes`, without a look at its values.

    Args:
        record: has its fields in the order of their names; they hold texts, dicts of texts by ASCII names, small
            integers, such records, or canonical forms as `msgspec.Raw`.
    """
    try:
        return _ENCODE_SORTED(record)
    except UnicodeEncodeError as problem:
        raise CanonicalError("A string holds a lone surrogate, which no text can be") from problem


def canonical_text(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """As `canonical_bytes`, as text."""
    return canonical_bytes(value).decode()


def _is_plain(value: Any, level: int) -> bool:  # noqa: ANN401, C901, PLR0911 - any JSON value; the hot path, flat for speed
    """Whether msgspec writes `value` canonically as it stands; true for nearly everything that agents send.

    False also for what has no canonical form; `_rebuilt` then tells why.
    """
    kind = type(value)
    if kind is dict:
        if level >= LEVELS_MAX:
            return False
        for key, item in value.items():
            # Other keys sort differently by UTF-16 code units than by the UTF-8 bytes that msgspec compares.
            if type(key) is not str or not key.isascii():
                return False
            if type(item) is not str and not _is_plain(item, level + 1):
                return False
        return True
    if kind is list or kind is tuple:
        if level >= LEVELS_MAX:
            return False
        for item in value:  # noqa: SIM110 - a generator costs a third more here
            if type(item) is not str and not _is_plain(item, level + 1):
                return False
        return True
    if kind is int:
        return bool(-INTEGER_MAX <= value <= INTEGER_MAX)
    return kind is str or kind is bool or value is None


def _rebuilt(value: Any, level: int) -> Any:  # noqa: ANN401 - any JSON value
    """The same value with sorted keys and with numbers in their canonical text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, float):
        return msgspec.Raw(_number(value).encode())
    if level >= LEVELS_MAX:
        raise CanonicalError(f"The value has more than {LEVELS_MAX} levels")
    if isinstance(value, Mapping):
        return _sorted_object(value, level)
    if isinstance(value, list | tuple):
        return [_rebuilt(item, level + 1) for item in value]
    raise CanonicalError(f"A {type(value).__name__} is not a JSON value")


def _sorted_object(value: Mapping[Any, Any], level: int) -> dict[str, Any]:
    for key in value:
        if not isinstance(key, str):
            raise CanonicalError(f"A key is a {type(key).__name__}; JSON keys are strings")
    names = sorted(value, key=lambda name: name.encode("utf-16-be"))  # RFC 8785 section 3.2.3
    return {str.__str__(name): _rebuilt(value[name], level + 1) for name in names}


def _integer(value: int) -> int:
    if not -INTEGER_MAX <= value <= INTEGER_MAX:
        raise CanonicalError("An integer is beyond 2^53-1, where JSON numbers are no longer exact")
    return int(value)


def _number(value: float) -> str:
    """Number::toString of ECMA-262; `repr` gives the same shortest digits, in another notation."""
    if value != value or value in {float("inf"), float("-inf")}:  # noqa: PLR0124 - NaN is not itself
        raise CanonicalError("NaN and infinities are not JSON numbers")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = float.__repr__(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    point = len(whole) + int(exponent or 0)
    digits = whole + fraction
    stripped = digits.lstrip("0")
    point -= len(digits) - len(stripped)
    return sign + _placed(stripped.rstrip("0"), point)


def _placed(digits: str, point: int) -> str:
    """`digits` with the decimal point after the first `point` of them, or with an exponent."""
    count = len(digits)
    if count <= point <= _PLAIN_DIGITS_MAX:
        return digits + "0" * (point - count)
    if 0 < point <= _PLAIN_DIGITS_MAX:
        return f"{digits[:point]}.{digits[point:]}"
    if -_LEADING_ZEROS_MAX < point <= 0:
        return f"0.{'0' * -point}{digits}"
    head = digits if count == 1 else f"{digits[0]}.{digits[1:]}"
    return f"{head}e{point - 1:+d}"
