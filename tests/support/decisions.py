"""Decisions to write, and what became of them in the database."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from appliance.actions.records import Action, Facts, Kind, Moment, Outcome, Verdict
from appliance.database.connection import read_connection
from appliance.database.identifiers import uuid7
from appliance.decisions import rules
from appliance.decisions.records import DecisionRow, Recorded, Requester
from appliance.ledger.service import prepare

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
IDA = Requester(machine_id=UUID(int=0x018F << 112 | 1), person_id=UUID(int=7), email="ida@example.org")


def action(command: str = "make test", **more: Any) -> Action:  # noqa: ANN401 - any field of an action
    """Claude Code wants to run a command."""
    fields: dict[str, Any] = {
        "agent": "claude", "event": "PreToolUse", "moment": Moment.BEFORE_TOOL, "kind": Kind.SHELL, "tool": "Bash",
        "arguments": {"command": command}, "session": "s-1", "tool_use": "toolu_1", "project": "/src/billing",
        "body": {"tool_name": "Bash", "tool_input": {"command": command}},
    }  # fmt: skip
    return Action(**fields | more)


def recorded(summary: str = "make test", outcome: Outcome = Outcome.ALLOW, **more: Any) -> Recorded:  # noqa: ANN401 - any column
    """A decision as the road hands it to the writer."""
    verdict = Verdict(outcome=outcome, policy_version=1, policies=(), reason="because")
    entry = prepare(rules.entry_of(action(summary), Facts(), (), verdict, IDA), now=more.get("created_at", NOON))
    columns: dict[str, Any] = {
        "id": entry.id, "created_at": NOON, "machine_id": IDA.machine_id, "person_id": IDA.person_id,
        "agent": "claude", "event": "PreToolUse", "kind": "shell", "tool": "Bash", "project": "/src/billing",
        "session": "s-1", "outcome": outcome.value, "policy_version": 1, "policies": "base", "secrets": 0,
        "reason": "because", "summary": summary,
    }  # fmt: skip
    return Recorded(row=DecisionRow(**columns | more), entry=entry)


async def kept() -> set[UUID]:
    """Identifiers of decisions that are there with their ledger entry; fails if one is there without the other."""
    async with read_connection() as connection:
        rows = await connection.fetch(
            "SELECT d.id AS decision, l.id AS entry FROM decision d FULL JOIN "
            "(SELECT id FROM ledger_entry WHERE event IN ('decision.allowed', 'decision.denied', 'decision.asked')) l "
            "ON l.id = d.id"
        )
    assert [row for row in rows if row["decision"] != row["entry"]] == []
    return {row["decision"] for row in rows}


async def ledger_of(subject: str = "") -> list[tuple[str, dict[str, Any]]]:
    """(event, facts) of the entries about a subject, or of all, oldest first."""
    async with read_connection() as connection:
        rows = await connection.fetch(
            "SELECT event, body::jsonb -> 'facts' #>> '{}' AS facts FROM ledger_entry WHERE $1 IN ('', subject) "
            "ORDER BY recorded_at, id",
            subject,
        )
    return [(row["event"], json.loads(row["facts"])) for row in rows]


def new_machine() -> Requester:
    """Another machine of the same person."""
    return Requester(machine_id=uuid7(), person_id=IDA.person_id, email=IDA.email)
