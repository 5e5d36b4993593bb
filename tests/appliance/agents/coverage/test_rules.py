"""How well an agent is covered, from what is known of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from appliance.agents.coverage.records import CoverageState, Runtime
from appliance.agents.coverage.rules import LIVE_FOR, SILENT_AFTER, cause_of, covered, state_of, statements
from appliance.database.identifiers import uuid7

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
OURS = "shim-2-aaaaaaaaaaaa"
SHIMS = frozenset({OURS, "shim-2-dddddddddddd"})


def runtime(**known: Any) -> Runtime:  # noqa: ANN401 - any field
    """Claude Code on a laptop of which nothing else is known."""
    nothing: dict[str, Any] = dict.fromkeys(Runtime.__struct_fields__)
    texts = dict.fromkeys(("executable", "platform", "client_version", "detail"), "")
    about = {"id": uuid7(), "machine_id": uuid7(), "hostname": "ida-mbp", "agent": "claude"}
    named = {"display_name": "Claude Code", "first_seen_at": NOW, "noted_state": "never"}
    return Runtime(**{**nothing, **texts, **about, **named, **known})


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({}, CoverageState.NEVER),
        ({"is_protected": True, "reported_at": NOW}, CoverageState.NEVER),
        ({"last_hook_at": NOW - MINUTE}, CoverageState.LIVE),
        ({"last_hook_at": NOW - LIVE_FOR}, CoverageState.LIVE),
        ({"last_hook_at": NOW - LIVE_FOR - MINUTE}, CoverageState.QUIET),
        ({"last_activity_at": NOW}, CoverageState.SILENT),
        ({"last_activity_at": NOW, "last_hook_at": NOW - SILENT_AFTER}, CoverageState.LIVE),
        ({"last_activity_at": NOW, "last_hook_at": NOW - SILENT_AFTER - MINUTE}, CoverageState.SILENT),
        ({"last_activity_at": NOW - 9 * MINUTE, "last_hook_at": NOW}, CoverageState.LIVE),
        ({"unprotected_since": NOW}, CoverageState.TAMPERED),
        ({"unprotected_since": NOW, "last_hook_at": NOW - MINUTE}, CoverageState.TAMPERED),
        ({"unprotected_since": NOW - MINUTE, "last_hook_at": NOW}, CoverageState.LIVE),
        ({"config_changed_at": NOW, "last_hook_at": NOW}, CoverageState.TAMPERED),
        ({"config_changed_at": NOW, "accepted_at": NOW, "last_hook_at": NOW}, CoverageState.LIVE),
        ({"config_changed_at": NOW, "accepted_at": NOW - MINUTE}, CoverageState.TAMPERED),
        ({"client_version": OURS, "last_hook_at": NOW}, CoverageState.LIVE),
        ({"client_version": "shim-2-bbbbbbbbbbbb", "last_hook_at": NOW}, CoverageState.TAMPERED),
        ({"client_version": "shim-1-cccccccccccc", "last_hook_at": NOW}, CoverageState.LIVE),
        ({"client_version": "shim-2-", "last_hook_at": NOW}, CoverageState.LIVE),
        ({"client_version": "0.36.58", "last_hook_at": NOW}, CoverageState.LIVE),
    ],
)
def test_the_state_follows_from_what_arrived(known: dict[str, Any], expected: CoverageState) -> None:
    """A hook that arrives is worth more than a report; tampering and silence come before everything else."""
    found = runtime(**known)
    assert state_of(found, NOW, shims=SHIMS) is expected
    assert bool(cause_of(found, shims=SHIMS)) is (expected is CoverageState.TAMPERED)


def test_statements_name_what_needs_attention() -> None:
    """One sentence each for tampered and silent agents, with three names at most; none when all is well."""
    tampered = [covered(runtime(unprotected_since=NOW, hostname=f"h{number}"), NOW) for number in range(5)]
    silent = covered(runtime(last_activity_at=NOW, hostname="quiet-box"), NOW)
    assert statements([covered(runtime(last_hook_at=NOW), NOW)]) == ()
    assert statements([*tampered, silent]) == (
        "Hooks were changed or taken away: Claude Code on h0, Claude Code on h1, Claude Code on h2 and 2 more",
        "Agents work without asking: Claude Code on quiet-box",
    )
    assert all(one.next_step for one in (*tampered, silent))
