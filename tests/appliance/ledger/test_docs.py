"""The reference says everything that an auditor can meet."""

from pathlib import Path

import pytest

from appliance.ledger import errors, events
from appliance.ledger.errors import LedgerError
from appliance.ledger.export import FORMAT_VERSION
from appliance.ledger.findings import KINDS, PROBLEMS_MAX
from appliance.ledger.records import ActorKind
from appliance.ledger.rules import BODY_VERSION
from appliance.ledger.sealing import BATCH_MAX
from installer.commands.ledger import ledger_app

DOCS = Path(__file__).parents[3] / "docs"
REFERENCE = (DOCS / "reference/ledger.md").read_text("utf-8")
CODES = [error.code for error in vars(errors).values() if isinstance(error, type) and issubclass(error, LedgerError)]


@pytest.mark.parametrize("word", [*KINDS, *CODES])
def test_every_problem_and_error_has_its_row(word: str) -> None:
    """What a report or a message names can be looked up."""
    assert f"| `{word}` |" in REFERENCE


def test_no_row_describes_what_does_not_exist() -> None:
    """Kinds that were renamed leave no trace."""
    table = REFERENCE.partition("## What verification finds")[2].partition("## Format")[0]
    assert {line.split("`")[1] for line in table.splitlines() if line.startswith("| `")} == KINDS.keys()


@pytest.mark.parametrize(("event", "description"), events.EVENTS.items())
def test_every_event_is_described(event: str, description: str) -> None:
    """In the words of the code."""
    assert f"| `{event}` | {description} |" in REFERENCE


@pytest.mark.parametrize("command", [command.name for command in ledger_app.registered_commands])
def test_every_command_is_described(command: str) -> None:
    """With an example."""
    assert f"`leashctl ledger {command}" in REFERENCE


def test_the_limits_in_the_documents_are_the_ones_in_force() -> None:
    """Numbers in text rot fastest."""
    assert f"At most {PROBLEMS_MAX} problems" in REFERENCE
    assert f"| `v` | {BODY_VERSION} |" in REFERENCE
    assert f"`version` ({FORMAT_VERSION})" in REFERENCE
    assert f"({', '.join(ActorKind)})" in REFERENCE
    assert f"at most {BATCH_MAX:,}" in (DOCS / "adr/0003-ledger.md").read_text("utf-8")
