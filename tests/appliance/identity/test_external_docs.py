"""The references of sign-in by directories and of apps name what the code does."""

from pathlib import Path

import pytest

from appliance.identity import external
from appliance.identity.bind_allowance import WINDOW
from appliance.identity.flows import errors as flow_errors
from appliance.identity.flows import events as flow_events
from appliance.identity.flows.service import CODE_LIFE, FLOW_LIFE
from appliance.identity.pace import FLOOR_SECONDS

REFERENCE = Path(__file__).parents[3] / "docs/reference"
DIRECTORIES = " ".join((REFERENCE / "directory-sign-in.md").read_text("utf-8").split())
APPS = " ".join((REFERENCE / "phones-and-desktops.md").read_text("utf-8").split())


@pytest.mark.parametrize("cause", external.Cause)
def test_every_cause_of_a_refused_sign_in_is_explained(cause: external.Cause) -> None:
    """By its name in the ledger."""
    assert f"| `{cause}` |" in DIRECTORIES


@pytest.mark.parametrize("cause", flow_errors.Cause)
def test_every_cause_of_a_refused_code_is_explained(cause: flow_errors.Cause) -> None:
    """By its name in the ledger."""
    assert f"| `{cause}` |" in APPS


def test_events_and_numbers_are_those_in_force() -> None:
    """Numbers in text rot fastest."""
    assert all(f"`{event}`" in APPS for event in flow_events.EVENTS)
    for sentence in (f"at least {FLOOR_SECONDS * 1000:.0f} ms", f"for {WINDOW.seconds // 60} minutes"):
        assert sentence in DIRECTORIES, sentence
    for sentence in (f"over after {FLOW_LIFE.seconds // 60} minutes", f"within {CODE_LIFE.seconds} seconds"):
        assert sentence in APPS, sentence
