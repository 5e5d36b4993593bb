"""What clients call agents, and how their guidance is read."""

from datetime import UTC, datetime

import pytest

from appliance.clients.rules import agent_of_kind, first_id, folded, named
from appliance.database.identifiers import uuid7


@pytest.mark.parametrize(
    ("agent", "kind"),
    [("claude", "claude-code"), ("copilot", "github-copilot"), ("codex", "codex"), ("nanoclaw", "nanoclaw")],
)
def test_kinds_lead_back_to_agents(agent: str, kind: str) -> None:
    """The app offers words of guidance by the kind, so it must be the one that it knows."""
    assert named(agent).kind == kind
    assert agent_of_kind(kind) == agent


def test_an_unknown_kind_is_cleaned() -> None:
    """It is compared with what hooks said, and must be no trouble for the database."""
    assert agent_of_kind("Aider\0\u202e\n" + "x" * 200) == ("aider " + "x" * 200)[:64]


def test_guidance_is_folded_and_cut() -> None:
    """As the contract has it."""
    assert folded(" Use\n\tthe  staging copy ") == "Use the staging copy"
    assert len(folded("x " * 1_000)) == 500


def test_a_moment_is_a_place_among_identifiers() -> None:
    """Nothing made at the moment or later lies below, and nothing from before above."""
    moment = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp() * 1000)
    assert uuid7(moment - 1) < first_id(moment) < uuid7(moment)
