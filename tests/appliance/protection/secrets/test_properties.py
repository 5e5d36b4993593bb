"""For every rule, in any surroundings and encoding: nothing raw is left, and masking twice changes nothing."""

import base64
import gzip
import json
from collections.abc import Callable
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.protection.secrets.body import Layout, flatten, to_bytes
from appliance.protection.secrets.catalogue import load_rules
from appliance.protection.secrets.examples import build_example
from appliance.protection.secrets.records import Rule
from appliance.protection.secrets.scanner import Scanner

SCANNER = Scanner(b"property key", decode_depth=3)
NAMED_IN_MEMBER = {"password-field"}
RULES = [rule for rule in load_rules() if rule.id not in NAMED_IN_MEMBER]
surroundings = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x1e\x1f"), max_size=40)
quiet = settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


def placed(place: str, text: str) -> dict[str, Any]:
    """Put a text somewhere in a body."""
    bodies: dict[str, dict[str, Any]] = {
        "command": {"tool_input": {"command": text}},
        "list": {"tool_input": {"edits": ["a", {"new": text}, "b"]}},
        "key": {"tool_input": {text: 1}},
        "json in a string": {"tool_response": json.dumps({"stdout": text})},
        "json in json in a string": {"tool_response": json.dumps({"body": json.dumps([text])})},
        "twice": {"a": text, "b": ["said: " + text]},
    }
    return bodies[place]


PLACES = ["command", "list", "key", "json in a string", "json in json in a string", "twice"]


@quiet
@given(st.sampled_from(RULES), st.integers(), surroundings, surroundings, st.sampled_from(PLACES))
def test_no_raw_secret_is_left_anywhere(rule: Rule, seed: int, before: str, after: str, place: str) -> None:
    """Random text around, six places: the secret is in no string of the masked body, and the result is stable."""
    example = build_example(rule, Random(seed))  # noqa: S311 - driven by hypothesis
    _, masked = SCANNER.scan_body(placed(place, f"{before} \n{example.text}\n {after}"))
    assert example.secret not in json.dumps(masked, ensure_ascii=False)
    assert json.dumps(example.secret)[1:-1] not in json.dumps(masked)
    assert SCANNER.scan_body(masked)[1] == masked


ENCODERS: dict[str, Callable[[bytes], str]] = {
    "base64": lambda raw: base64.b64encode(raw).decode(),
    "url-safe": lambda raw: base64.urlsafe_b64encode(raw).decode(),
    "hex": lambda raw: raw.hex(),
    "gzip": lambda raw: base64.b64encode(gzip.compress(raw, mtime=0)).decode(),
    "percent": lambda raw: "".join(f"%{byte:02X}" for byte in raw),
}
layered = st.lists(st.sampled_from(list(ENCODERS)), min_size=1, max_size=2)


@quiet
@given(st.sampled_from(RULES), st.integers(), surroundings, layered)
def test_no_encoded_secret_is_left(rule: Rule, seed: int, around: str, layers: list[str]) -> None:
    """Up to two encodings of a text that holds the secret: the encoded run is gone."""
    example = build_example(rule, Random(seed))  # noqa: S311 - driven by hypothesis
    encoded = f"{around} \n{example.text}\n {around}"
    for layer in layers:
        encoded = ENCODERS[layer](encoded.encode())
    _, masked = SCANNER.scan_body({"tool_input": {"content": f"x {encoded} y"}})
    assert encoded not in json.dumps(masked)
    assert SCANNER.scan_body(masked)[1] == masked


any_json = st.recursive(
    surroundings | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@quiet
@given(any_json)
def test_any_json_is_scanned_without_a_failure(value: object) -> None:
    """Random JSON never fails, and what comes out is stable."""
    _, masked = SCANNER.scan_body({"v": value})
    assert SCANNER.scan_body(masked)[1] == masked


@quiet
@given(any_json | st.tuples(any_json, st.booleans() | st.floats()))
def test_the_quick_and_the_slow_form_of_a_body_are_the_same_bytes(value: object) -> None:
    """So what the quick look does not see is not there; only the sign between members may also stand in a text."""
    body = {"v": value, "w": [value]}
    text, is_clean = flatten(body)
    assert not is_clean or to_bytes(text).replace(b"\x1e", b"\x1a") == Layout(body).data.replace(b"\x1e", b"\x1a")
