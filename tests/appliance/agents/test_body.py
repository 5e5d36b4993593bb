"""The strict parser of hook bodies, against the standard library's and against every way to read JSON twice."""

import json
import math
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from appliance.agents.body import INTEGER_MAX, parse
from appliance.agents.errors import BodyRefusedError, BodyTooLargeError

LIMITS = {"bytes_max": 1_000_000, "depth_max": 64, "members_max": 10_000}
# Few different characters, so that repeated keys, quotes and backslashes meet often.
TEXT = st.text(alphabet='a"\\:,{}[]\u00e9\n\u2028😀', max_size=6)
NUMBERS = st.integers() | st.floats() | st.sampled_from([INTEGER_MAX, -INTEGER_MAX, INTEGER_MAX + 1, -(2**63), 2**64])


class _Refused(Exception):  # noqa: N818 - the reference parser's signal
    pass


def _raw(value: Any, escape: bool) -> str:  # noqa: ANN401, FBT001 - drawn by hypothesis
    """JSON text of a tree whose objects are lists of pairs, so that keys may repeat."""
    if isinstance(value, tuple):
        members = [f"{json.dumps(key, ensure_ascii=escape)}: {_raw(each, escape)}" for key, each in value]
        return "{" + ", ".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_raw(each, escape) for each in value) + "]"
    return json.dumps(value, ensure_ascii=escape)


TREES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.lists(st.tuples(TEXT, inner), max_size=4).map(tuple),
    max_leaves=12,
)


def _reference(text: str) -> dict[str, Any]:
    """The standard library, told to refuse what we refuse."""

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in found}) < len(found):
            raise _Refused
        return dict(found)

    def integer(digits: str) -> int:
        value = int(digits)
        if abs(value) > INTEGER_MAX:
            raise _Refused
        return value

    def constant(_name: str) -> None:
        raise _Refused

    value = json.loads(text, object_pairs_hook=pairs, parse_int=integer, parse_constant=constant)
    if not isinstance(value, dict):
        raise _Refused
    return value


@settings(max_examples=400, deadline=None)
@given(tree=st.lists(st.tuples(TEXT, TREES), max_size=5).map(tuple) | TREES, escape=st.booleans())
@example(tree=(("a", 1), ("a", 2)), escape=True)
@example(tree=(("\\", "\\"), ('\\"', '"')), escape=False)
def test_it_agrees_with_the_standard_library(tree: Any, escape: bool) -> None:  # noqa: ANN401, FBT001 - as above
    """The same value where both take it, and a refusal where the reference sees a repeated key or a wild number."""
    text = _raw(tree, escape)
    try:
        expected = _reference(text)
    except _Refused:
        with pytest.raises(BodyRefusedError):
            parse(text.encode(), **LIMITS)
        return
    assert parse(text.encode(), **LIMITS) == expected


@settings(max_examples=300, deadline=None)
@given(raw=st.binary(max_size=60) | st.text(alphabet='{}[]",:\\u0da19.eE+- ', max_size=30).map(str.encode))
def test_any_bytes_are_parsed_or_refused(raw: bytes) -> None:
    """Never another error."""
    try:
        assert isinstance(parse(raw, **LIMITS), dict)
    except BodyRefusedError as problem:
        assert problem.detail  # noqa: PT017 - either is right


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":1,"a":2}', b'{"a":1,"\\u0061":2}', b'{"x":{"a":1,"a":1}}', b'{"x":[{"":1,"":2}]}',
        b'{"a\\"":1,"a\\"":2}', b'{"\\\\":1,"\\\\":2}', b'{"a":":","b":1,"b":2}',
    ],
)  # fmt: skip
def test_a_repeated_key_is_refused(raw: bytes) -> None:
    """However it is spelt, wherever it is."""
    with pytest.raises(BodyRefusedError, match="repeated key"):
        parse(raw, **LIMITS)


@pytest.mark.parametrize(
    "raw",
    [
        b"NaN", b'{"a":NaN}', b'{"a":Infinity}', b'{"a":-Infinity}', b'{"a":1e400}', b'{"a":9007199254740992}',
        b'{"a":-9007199254740992}', b'{"a":' + b"9" * 100_000 + b"}", b'{"a":"\\ud800"}', b'{"\\udc00":1}',
        b'{"a":"\xed\xa0\x80"}', b'{"a":"\xff"}', b'{"a":"\xc0\x80"}', b"\xef\xbb\xbf{}", b"[]", b'"x"', b"5", b"null",
        b"{}{}", b'{"a":1,}', b"{'a':1}", b'{"a":01}', b'{"a":"\x00"}', b'{"a":"\n"}', b"/**/{}", b'{"a"', b"\x00",
    ],
)  # fmt: skip
def test_what_is_not_strict_json_is_refused(raw: bytes) -> None:
    """With a sentence that repeats nothing of the body."""
    with pytest.raises(BodyRefusedError) as refused:
        parse(raw, **LIMITS)
    assert "body" in refused.value.detail


@pytest.mark.parametrize("raw", [b"", b" ", b"\r\n\t "])
def test_nothing_is_an_empty_object(raw: bytes) -> None:
    """The published hooks send nothing where the agent told nothing."""
    assert parse(raw, **LIMITS) == {}


def test_an_escaped_nul_is_text() -> None:
    """It is valid JSON; whoever stores it must cope."""
    assert parse(b'{"a":"\\u0000"}', **LIMITS) == {"a": "\0"}


def test_what_is_too_large_too_deep_or_too_many_is_refused() -> None:
    """At the limit it passes, beyond it does not, and far beyond it costs nothing."""
    deep = b'{"a":' + b"[" * 63 + b"]" * 63 + b"}"
    assert parse(deep, **LIMITS)
    with pytest.raises(BodyTooLargeError):
        parse(b'{"a":' + b"[" * 64 + b"]" * 64 + b"}", **LIMITS)
    for far in (b'{"a":' * 100_000, b'{"a":' + b"[" * 100_000, b'{"a":[' + b"1," * 300_000 + b"1]}"):
        with pytest.raises(BodyTooLargeError):
            parse(far, **LIMITS)
    many = json.dumps({"a": [1] * 9_999}).encode()
    assert len(parse(many, **LIMITS)["a"]) == 9_999
    with pytest.raises(BodyTooLargeError):
        parse(json.dumps({"a": [[]] * 10_000}).encode(), **LIMITS)
    with pytest.raises(BodyTooLargeError):
        parse(b'{"a":"' + b"x" * 1_000_000 + b'"}', **LIMITS)


def test_commas_inside_text_are_not_members() -> None:
    """A long list in a string is one string."""
    text = ",:" * 50_000
    assert parse(json.dumps({"a": text}).encode(), **LIMITS) == {"a": text}


def test_floats_stay_what_they_are() -> None:
    """A number with a fraction or exponent is not an integer, however large."""
    parsed = parse(b'{"a":1e300,"b":-0.0,"c":1.5}', **LIMITS)
    assert parsed == {"a": 1e300, "b": 0.0, "c": 1.5}
    assert math.copysign(1, parsed["b"]) == -1
