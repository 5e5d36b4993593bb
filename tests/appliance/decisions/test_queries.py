"""Searching decisions: every filter narrows, no text is a pattern, and pages fit together."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from appliance.actions.records import Outcome
from appliance.database.connection import current_connection
from appliance.database.identifiers import uuid7
from appliance.database.patterns import like_pattern
from appliance.decisions.queries import decision_by_id, find_decisions
from appliance.decisions.records import DecisionFilter
from appliance.decisions.statements import RECORD, record_arguments
from tests.support.decisions import IDA, NOON, recorded

OTHER = UUID(int=99)
WANTED: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["rm -rf /srv", "100% sure_thing", "curl a.example", "make test"]),
    ({"text": "MAKE"}, ["make test"]),
    ({"text": "srv"}, ["rm -rf /srv"]),
    ({"text": "webfetch"}, ["curl a.example"]),
    ({"text": "warehouse"}, ["100% sure_thing"]),
    ({"text": "dangerous"}, ["rm -rf /srv"]),
    ({"text": "%"}, ["100% sure_thing"]),
    ({"text": "_"}, ["100% sure_thing"]),
    ({"text": "0% S"}, ["100% sure_thing"]),
    ({"text": "\\"}, []),
    ({"text": "'; DROP TABLE decision; --"}, []),
    ({"text": "make\0"}, ["make test"]),
    ({"outcome": "deny"}, ["rm -rf /srv"]),
    ({"outcome": "nonsense"}, []),
    ({"agent": "codex"}, ["curl a.example"]),
    ({"machine_id": OTHER}, ["100% sure_thing"]),
    ({"person_id": OTHER}, ["curl a.example"]),
    ({"policy": "no-rm"}, ["rm -rf /srv"]),
    ({"policy": "no"}, []),
    ({"policy": "base"}, ["rm -rf /srv", "100% sure_thing", "curl a.example", "make test"]),
    ({"since": NOON + timedelta(minutes=2)}, ["rm -rf /srv", "100% sure_thing"]),
    ({"until": NOON + timedelta(minutes=1)}, ["make test"]),
    ({"outcome": "allow", "text": "make", "agent": "claude", "policy": "base"}, ["make test"]),
]  # fmt: skip


@pytest.fixture
async def identifiers(rolled_back_database: object) -> list[UUID]:
    """Four decisions, a minute apart."""
    rows: list[dict[str, Any]] = [
        {"summary": "make test"},
        {"summary": "curl a.example", "agent": "codex", "tool": "WebFetch", "person_id": OTHER},
        {"summary": "100% sure_thing", "project": "/src/Warehouse", "machine_id": OTHER},
        {
            "summary": "rm -rf /srv", "outcome": Outcome.DENY, "policies": "base no-rm", "reason": "Dangerous.",
        },
    ]  # fmt: skip
    batch = [recorded(**row, created_at=NOON + timedelta(minutes=at)) for at, row in enumerate(rows)]
    await current_connection().fetchval(RECORD, *record_arguments(batch))
    return [item.row.id for item in batch]


@pytest.mark.usefixtures("identifiers")
@pytest.mark.parametrize(("wanted", "found"), WANTED, ids=[str(wanted) for wanted, _ in WANTED])
async def test_a_filter_narrows_the_list(wanted: dict[str, Any], found: list[str]) -> None:
    """Newest first; what is typed is looked for literally, whatever its case."""
    assert [decision.summary for decision in await find_decisions(DecisionFilter(**wanted))] == found


async def test_pages_fit_together(identifiers: list[UUID]) -> None:
    """Each begins where the one before ended, also when new decisions came meanwhile."""
    first = await find_decisions(DecisionFilter(limit=3))
    new = recorded("new", created_at=NOON + timedelta(hours=1))
    await current_connection().fetchval(RECORD, *record_arguments([new]))
    second = await find_decisions(DecisionFilter(limit=3, before=first[-1].id))
    assert [decision.id for decision in [*first, *second]] == identifiers[::-1]
    assert await find_decisions(DecisionFilter(before=identifiers[0])) == []


async def test_one_decision_is_found_by_its_identifier(identifiers: list[UUID]) -> None:
    """With the machine's name where it is known; another identifier finds nothing."""
    await current_connection().execute(
        "INSERT INTO machine (id, token_hash, deployment_token_id, hostname, platform, os_release, enrolled_at) "
        "VALUES ($1, '\\x00', $1, 'ida-laptop', 'linux', '6', now())",
        IDA.machine_id,
    )
    found = await decision_by_id(identifiers[0])
    assert found is not None
    assert (found.summary, found.hostname, found.ask_state) == ("make test", "ida-laptop", "")
    assert await decision_by_id(uuid7()) is None


def test_a_pattern_finds_its_text_and_nothing_else() -> None:
    """LIKE's own characters are escaped."""
    assert like_pattern("") == ""
    assert like_pattern("a%b_c\\d") == "%a\\%b\\_c\\\\d%"
