"""The reference says everything that a policy author can use."""

from pathlib import Path

import pytest

from appliance.actions.records import Kind, Moment
from appliance.policy import errors, events, validation
from appliance.policy.annotations import ANNOTATIONS, ROLES
from appliance.policy.context import ATTRIBUTES
from appliance.policy.effects import EFFECTS
from appliance.policy.errors import PolicyError

REFERENCE = (Path(__file__).parents[3] / "docs/reference/policy.md").read_text("utf-8")
CODES = [error.code for error in vars(errors).values() if isinstance(error, type) and issubclass(error, PolicyError)]
EVENTS = [value for name, value in vars(events).items() if name.startswith("POLICY_")]


@pytest.mark.parametrize("word", [*ATTRIBUTES, *EFFECTS, *ROLES, *Moment, *CODES, *EVENTS])
def test_every_word_is_in_the_reference(word: str) -> None:
    """Attributes, effects, roles, moments, error codes and events."""
    assert f"`{word}`" in REFERENCE


@pytest.mark.parametrize("name", ANNOTATIONS)
def test_every_annotation_is_in_the_reference(name: str) -> None:
    """Each has its row in the table."""
    assert f"| `@{name}" in REFERENCE


@pytest.mark.parametrize("kind", Kind)
def test_every_action_is_in_the_reference(kind: Kind) -> None:
    """Each as a policy writes it."""
    assert f'`Action::"{kind}"`' in REFERENCE


def test_the_limits_in_the_reference_are_the_ones_in_force() -> None:
    """Numbers in text rot fastest."""
    assert f"{validation.MOST_POLICIES:,} policies" in REFERENCE
    assert f"{validation.LONGEST_CODE:,} characters" in REFERENCE
    assert f"brackets {validation.DEEPEST_BRACKETS} deep" in REFERENCE
    assert f"operators {validation.DEEPEST_EXPRESSION} deep" in REFERENCE
