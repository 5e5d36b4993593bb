"""The rules themselves and their reference."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from appliance.protection.secrets.catalogue import load_rules
from appliance.protection.secrets.checks import CHECKS
from appliance.protection.secrets.examples import build_example
from appliance.protection.secrets.records import Rule
from appliance.protection.secrets.reference import render_reference
from appliance.protection.secrets.scanner import Scanner

REFERENCE = Path(__file__).parents[4] / "docs" / "reference" / "secret-rules.md"


def as_body(rule: Rule, text: str) -> dict[str, Any]:
    """Place an example where its rule looks: a field's rule needs a real member."""
    if rule.id == "password-field":
        return {"tool_input": json.loads(text)}
    return {"tool_input": {"command": text}}


def test_there_are_enough_rules_with_unique_names() -> None:
    """At least 70 rules, no identifier twice, every gate known."""
    rules = load_rules()
    assert len(rules) >= 70
    assert len({rule.id for rule in rules}) == len(rules)
    assert all(rule.check in CHECKS for rule in rules)


@pytest.mark.parametrize("rule", load_rules(), ids=lambda rule: rule.id)
def test_every_rule_finds_its_examples(scanner: Scanner, rule: Rule) -> None:
    """A generated secret of each rule is found under the rule's name and is gone from the masked body."""
    random = Random(rule.id)  # noqa: S311 - repeatable examples
    for _ in range(20):
        example = build_example(rule, random)
        findings, masked = scanner.scan_body(as_body(rule, example.text))
        assert rule.id in {finding.rule for finding in findings}, example.text
        assert example.secret not in json.dumps(masked)


def test_the_reference_is_up_to_date() -> None:
    """docs/reference/secret-rules.md is what the rules give."""
    assert REFERENCE.read_text(encoding="utf-8") == render_reference()
