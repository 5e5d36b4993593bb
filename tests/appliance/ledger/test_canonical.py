"""The canonical form against RFC 8785's own examples and against an independent implementation."""

import json
import struct
from typing import Any

import msgspec
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from appliance.ledger.canonical import INTEGER_MAX, LEVELS_MAX, canonical_bytes, canonical_text
from appliance.ledger.errors import CanonicalError

# RFC 8785 appendix B: IEEE 754 bits and their JSON text.
NUMBERS = [
    ("0000000000000000", "0"),
    ("8000000000000000", "0"),
    ("0000000000000001", "5e-324"),
    ("8000000000000001", "-5e-324"),
    ("7fefffffffffffff", "1.7976931348623157e+308"),
    ("ffefffffffffffff", "-1.7976931348623157e+308"),
    ("4340000000000000", "9007199254740992"),
    ("c340000000000000", "-9007199254740992"),
    ("4430000000000000", "295147905179352830000"),
    ("44b52d02c7e14af5", "9.999999999999997e+22"),
    ("44b52d02c7e14af6", "1e+23"),
    ("44b52d02c7e14af7", "1.0000000000000001e+23"),
    ("444b1ae4d6e2ef4e", "999999999999999700000"),
    ("444b1ae4d6e2ef4f", "999999999999999900000"),
    ("444b1ae4d6e2ef50", "1e+21"),
    ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
    ("3eb0c6f7a0b5ed8d", "0.000001"),
    ("41b3de4355555553", "333333333.3333332"),
    ("41b3de4355555554", "333333333.33333325"),
    ("41b3de4355555555", "333333333.3333333"),
    ("41b3de4355555556", "333333333.3333334"),
    ("41b3de4355555557", "333333333.33333343"),
    ("becbf647612f3696", "-0.0000033333333333333333"),
    ("43143ff3c1cb0959", "1424953923781206.2"),
]


def values(floats: st.SearchStrategy[float]) -> st.SearchStrategy[Any]:
    integers = st.integers(-INTEGER_MAX, INTEGER_MAX)
    return st.recursive(
        st.none() | st.booleans() | integers | floats | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=30,
    )


@pytest.mark.parametrize(("bits", "text"), NUMBERS)
def test_numbers_are_those_of_the_appendix(bits: str, text: str) -> None:
    """RFC 8785 appendix B."""
    (number,) = struct.unpack(">d", bytes.fromhex(bits))
    assert canonical_text(number) == text


def test_the_example_of_the_rfc() -> None:
    """RFC 8785 section 3.2.2 to 3.2.4, to the byte."""
    given_text = (
        '{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],'
        ' "string": "\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/", "literals": [null, true, false]}'
    )
    assert canonical_bytes(json.loads(given_text)) == (
        b'{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        b'"string":"\xe2\x82\xac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )


def test_keys_are_sorted_by_their_utf_16_code_units() -> None:
    """RFC 8785 section 3.2.3: a surrogate pair comes before U+FB33, which UTF-8 would put first."""
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    ordered = list(json.loads(canonical_text(dict.fromkeys(names, 0))))
    assert ordered == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


@given(values(st.floats(allow_nan=False, allow_infinity=False)))
def test_any_value_is_written_as_an_independent_implementation_writes_it(value: Any) -> None:  # noqa: ANN401 - any JSON value
    """Byte for byte."""
    assert canonical_bytes(value) == rfc8785.dumps(value)


# A whole number beyond 2^53 is written without exponent, and would be refused as an inexact integer when read again.
@given(values(st.floats(-INTEGER_MAX, INTEGER_MAX)))
def test_reading_and_writing_again_changes_nothing(value: Any) -> None:  # noqa: ANN401 - any JSON value
    """Whatever the writer's order and spacing were, the same bytes are hashed."""
    written = canonical_bytes(value)
    assert canonical_bytes(msgspec.json.decode(written)) == written
    assert canonical_bytes(json.loads(json.dumps(value, indent=1))) == written


def test_one_and_one_point_zero_are_the_same_number() -> None:
    """JSON has one kind of number, and an approval must not depend on its spelling."""
    assert canonical_text([1, 1.0, 1e0]) == "[1,1,1]"


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        -float("inf"),
        INTEGER_MAX + 1,
        -INTEGER_MAX - 1,
        {"a": [2**64]},
        "\ud800",
        {"\udfff": 1},
        {"a": ["\ud83d"]},
        {1: "a"},
        {"a": {None: 1}},
        b"bytes",
        {"a": {1, 2}},
        object(),
    ],
    ids=repr,
)
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    """NaN, infinities, integers that are not exact, lone surrogates, keys that are no strings, other types."""
    with pytest.raises(CanonicalError):
        canonical_bytes(value)


@pytest.mark.parametrize("make", [lambda inner: [inner], lambda inner: {"a": inner}, lambda inner: {"é": inner}])
def test_depth_is_bounded_without_exhausting_the_stack(make: Any) -> None:  # noqa: ANN401 - a function
    """200 levels pass, 201 do not, and 10,000 end as cleanly."""

    def nested(levels: int) -> Any:  # noqa: ANN401 - any JSON value
        value: Any = 1
        for _ in range(levels):
            value = make(value)
        return value

    assert canonical_bytes(nested(LEVELS_MAX)) == rfc8785.dumps(nested(LEVELS_MAX))
    for levels in (LEVELS_MAX + 1, 10_000):
        with pytest.raises(CanonicalError, match="200 levels"):
            canonical_bytes(nested(levels))


def test_enumerations_and_tuples_are_plain_values() -> None:
    """Facts are made in Python: string enumerations, tuples and booleans are what JSON makes of them."""

    class Word(str):
        __slots__ = ()

    assert canonical_text({"b": Word("x"), "a": (True, 1)}) == '{"a":[true,1],"b":"x"}'
