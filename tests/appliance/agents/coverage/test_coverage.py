"""Reports, hooks and alarms of agents on machines, on a real database."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID

import pytest

from appliance.agents.coverage.errors import RuntimeUnknownError
from appliance.agents.coverage.jobs import jobs
from appliance.agents.coverage.ports import NoCoverageAlarm
from appliance.agents.coverage.queries import coverage, coverage_statements, runtimes_of, suspects
from appliance.agents.coverage.records import AgentReport, CoverageFilter, CoverageState, Covered, LastHook, Runtime
from appliance.agents.coverage.rules import state_of
from appliance.agents.coverage.service import (
    AGENTS_PER_MACHINE,
    AGENTS_PER_PERSON,
    accept_change,
    note_decided_hooks,
    note_hooks,
    record_activity,
    record_reports,
    review,
)
from appliance.agents.coverage.sightings import Sightings
from appliance.agents.service import revoke_machine
from appliance.agents.shim.release import shim_marks
from appliance.clock import utc_now
from appliance.database.connection import connect, disconnect, read_connection
from appliance.database.errors import DatabaseUnreachableError
from appliance.database.identifiers import uuid7
from appliance.decisions.queries import first_hook, last_hooks
from tests.appliance.agents.test_service import ADMIN, add_person, enrolled, ledger, token
from tests.support.postgres import TestDatabase

EMAIL = "ida@acme.example"
CLAUDE = AgentReport(kind="claude-code", display_name="Claude Code", executable="/usr/bin/claude", is_installed=True)
MINUTE = timedelta(minutes=1)


class _Bell:
    """Hears what people are told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    async def tell(self, found: Covered) -> None:
        self.told.append((found.state.value, found.cause))


async def _machine(hostname: str = "ida-mbp") -> UUID:
    return (await enrolled(await token(), EMAIL, hostname)).machine.id


async def _decided(machine: UUID, at: datetime, *, agent: str = "claude", event: str = "PreToolUse") -> UUID:
    """A decision as the writer leaves it."""
    made = uuid7(int(at.timestamp() * 1000))
    async with read_connection() as connection:
        await connection.execute(
            "INSERT INTO decision (id, created_at, machine_id, agent, event, kind, tool, project, session, outcome, "
            "policy_version, policies, secrets, reason, summary) "
            "VALUES ($1, $2, $3, $4, $5, 'shell', 'Bash', '', '', 'allow', 1, '', 0, '', 'ls')",
            made, at, machine, agent, event,
        )  # fmt: skip
    return made


async def _only(now: datetime, **wanted: Any) -> Covered:  # noqa: ANN401 - any field of the filter
    [found] = await coverage(now, CoverageFilter(**wanted))
    return found


async def test_a_hook_makes_an_agent_live_by_its_decision(rolled_back_database: TestDatabase) -> None:
    """The job finds the newest decision of each agent; after a quarter of an hour it is quiet."""
    machine, now = await _machine(), utc_now()
    await _decided(machine, now - 2 * MINUTE)
    newest = await _decided(machine, now - MINUTE)
    await _decided(machine, now - 3 * MINUTE, agent="codex")
    await note_decided_hooks(last_hooks, now)
    found = await _only(now, agent="claude")
    assert (found.state, found.runtime.last_decision_id) == (CoverageState.LIVE, newest)
    assert (found.runtime.last_hook_at, found.runtime.hostname) == (now - MINUTE, "ida-mbp")
    assert [one.runtime.agent for one in await coverage(now)] == ["claude", "codex"]
    later = now + 30 * MINUTE
    await _decided(machine, later - MINUTE, agent="codex")
    await note_decided_hooks(last_hooks, later)
    assert [one.state for one in await coverage(later)] == [CoverageState.LIVE, CoverageState.QUIET]
    assert (await first_hook("codex", later - 2 * MINUTE)).at == later - MINUTE  # type: ignore[union-attr]
    assert await first_hook("gemini", now - 60 * MINUTE) is None


async def test_a_report_does_not_make_an_agent_live(rolled_back_database: TestDatabase) -> None:
    """What a client says is kept and shown, but only hooks count; its name for the agent is translated."""
    person, machine, now = await add_person(EMAIL), await _machine(), utc_now()
    protected = AgentReport(kind="claude", is_installed=True, is_protected=True, detail="Hooks \u202e installed\n")
    await record_reports(machine, person, "ida-mbp", [CLAUDE, protected], now)
    [found] = await runtimes_of(person)
    assert (found.agent, found.display_name, found.is_protected) == ("claude", "Claude Code", True)
    assert (found.detail, found.person_id, found.machine_id) == ("Hooks installed", person, machine)
    assert (await _only(now)).state is CoverageState.NEVER
    assert await runtimes_of(uuid7()) == []


async def test_a_person_without_a_machine_is_joined_with_it_later(rolled_back_database: TestDatabase) -> None:
    """Reports of a signed-in client are kept by host name until the machine enrols, and then once."""
    person, now = await add_person(EMAIL), utc_now()
    await record_reports(None, person, "ida-mbp", [CLAUDE], now)
    await record_reports(None, person, "ida-mbp", [CLAUDE], now)
    [before] = await runtimes_of(person)
    machine = await _machine()
    await record_reports(None, person, "ida-mbp", [CLAUDE], now)
    [after] = await runtimes_of(person)
    assert (before.machine_id, after.machine_id) == (None, machine)
    await record_reports(None, None, "nobody", [CLAUDE], now)
    assert len(await coverage(now)) == 1


async def test_nobody_fills_the_table(rolled_back_database: TestDatabase) -> None:
    """Unknown kinds are kept up to a number for each machine; what is no kind at all is left out."""
    machine, now = await _machine(), utc_now()
    strange = [AgentReport(kind=f"agent-{number}") for number in range(100)]
    await record_reports(machine, None, "ida-mbp", [*strange, AgentReport(kind="../x"), AgentReport(kind="")], now)
    await record_reports(machine, None, "ida-mbp", [AgentReport(kind=f"more-{n}") for n in range(9)], now)
    found = [one.runtime.agent for one in await coverage(now)]
    assert len(found) <= AGENTS_PER_MACHINE
    assert all(agent.startswith("agent-") for agent in found)
    await record_reports(machine, None, "ida-mbp", [CLAUDE], now)
    assert "claude" in [one.runtime.agent for one in await coverage(now)]
    person = await add_person("mia@acme.example")
    for number in range(AGENTS_PER_PERSON + 9):
        await record_reports(None, person, f"made-up-{number}", [CLAUDE], now)
    assert len(await runtimes_of(person)) == AGENTS_PER_PERSON
    await record_reports(None, person, "made-up-0", [AgentReport(kind="claude", detail="again")], now)
    assert "again" in [one.detail for one in await runtimes_of(person)]


async def test_hooks_that_are_taken_away_are_told_once(rolled_back_database: TestDatabase) -> None:
    """From protected to unprotected: the ledger, the alarm and the Overview say so; a hook that arrives ends it."""
    machine, now, bell = await _machine(), utc_now(), _Bell()
    for is_protected in (True, False, False):
        report = AgentReport(kind="claude", is_installed=True, is_protected=is_protected)
        await record_reports(machine, None, "ida-mbp", [report], now)
    [told] = await review(bell, now)
    assert (await review(bell, now), bell.told) == ([], [("tampered", "hooks_removed")])
    assert told.state is CoverageState.TAMPERED
    assert await coverage_statements(now) == ("Hooks were changed or taken away: Claude Code on ida-mbp",)
    [entry] = await ledger("agent.tampered")
    assert entry["subject"] == f"machine:{machine}"
    assert "ida-mbp" not in entry["body"]
    await note_hooks([LastHook(machine_id=machine, agent="claude", at=now + MINUTE, decision_id=uuid7())])
    [recovered] = await review(bell, now + MINUTE)
    assert recovered.state is CoverageState.LIVE
    assert len(await ledger("agent.recovered")) == 1
    assert len(bell.told) == 1


async def test_no_report_ends_an_alarm(rolled_back_database: TestDatabase) -> None:
    """An agent can send reports with its own token: that its hooks are back is believed once one has arrived."""
    machine, now, bell = await _machine(), utc_now(), _Bell()
    for is_protected in (True, False):
        await record_reports(machine, None, "ida-mbp", [AgentReport(kind="claude", is_protected=is_protected)], now)
    await review(bell, now)
    for minutes in (1, 2):
        back = AgentReport(kind="claude", is_installed=True, is_protected=True)
        await record_reports(machine, None, "ida-mbp", [back], now + minutes * MINUTE)
    assert await review(bell, now + 3 * MINUTE) == []
    found = await _only(now + 3 * MINUTE)
    assert (found.state, found.cause) == (CoverageState.TAMPERED, "hooks_removed")
    assert await ledger("agent.recovered") == []
    assert (await accept_change(ADMIN, found.runtime.id, now=now + 3 * MINUTE)).state is CoverageState.NEVER
    await record_reports(machine, None, "ida-mbp", [AgentReport(kind="claude", is_protected=False)], now + 4 * MINUTE)
    assert (await _only(now + 4 * MINUTE)).state is CoverageState.TAMPERED


async def test_a_client_that_never_protected_is_no_tampering(rolled_back_database: TestDatabase) -> None:
    """Managed settings are no matter of the client: it reports no hooks of its own, and hooks arrive all the same."""
    machine, now = await _machine(), utc_now()
    await note_hooks([LastHook(machine_id=machine, agent="claude", at=now - MINUTE, decision_id=uuid7())])
    await record_reports(machine, None, "ida-mbp", [AgentReport(kind="claude", is_protected=False)], now)
    assert (await _only(now)).state is CoverageState.LIVE


async def test_an_agent_that_works_without_hooks_is_silent(rolled_back_database: TestDatabase) -> None:
    """Telemetry without hooks raises the alarm; hooks that arrive again end it."""
    machine, now, bell = await _machine(), utc_now(), _Bell()
    await record_activity(machine, None, "ida-mbp", "codex", now)
    assert [one.state for one in await review(bell, now)] == [CoverageState.SILENT]
    assert bell.told == [("silent", "")]
    assert await coverage_statements(now) == ("Agents work without asking: Codex CLI on ida-mbp",)
    assert len(await ledger("agent.silent")) == 1
    await note_hooks([LastHook(machine_id=machine, agent="codex", at=now + MINUTE, decision_id=uuid7())])
    assert (await _only(now + MINUTE)).state is CoverageState.LIVE


async def test_a_change_of_settings_is_accepted_by_a_person(rolled_back_database: TestDatabase) -> None:
    """The agent's own event marks it; accepting is in the ledger, and a later change is seen anew."""
    machine, now = await _machine(), utc_now()
    await _decided(machine, now - MINUTE, event="ConfigChange")
    await note_decided_hooks(last_hooks, now)
    found = await _only(now)
    assert (found.state, found.cause) == (CoverageState.TAMPERED, "config_changed")
    await review(NoCoverageAlarm(), now)
    assert (await accept_change(ADMIN, found.runtime.id, now=now)).state is CoverageState.LIVE
    assert len(await ledger("agent.change_accepted")) == 1
    later = now + 2 * MINUTE
    await _decided(machine, later, event="ConfigChange")
    await note_decided_hooks(last_hooks, later)
    assert (await _only(later)).state is CoverageState.TAMPERED
    with pytest.raises(RuntimeUnknownError):
        await accept_change(ADMIN, uuid7(), now=now)


async def test_the_job_looks_on_from_where_it_was(rolled_back_database: TestDatabase) -> None:
    """It asks once for each look, and finds what committed a moment late."""
    machine, now, asked = await _machine(), utc_now(), list[tuple[datetime, datetime]]()

    async def source(since: datetime, until: datetime) -> Sequence[LastHook]:
        asked.append((since, until))
        return await last_hooks(since, until)

    moments = [now, now, now + MINUTE, now + MINUTE]
    [job] = jobs(source, NoCoverageAlarm(), lambda: moments.pop(0))
    await job.run()
    assert asked[0][0] == now - timedelta(days=1)
    assert asked[-1][0] <= now < asked[-1][1]
    asked.clear()
    late = await _decided(machine, now - timedelta(seconds=5))
    await job.run()
    assert [since for since, _until in asked] == [now - timedelta(seconds=15)]
    assert (await _only(now)).runtime.last_decision_id == late


async def test_what_happened_while_nobody_looked_is_found(rolled_back_database: TestDatabase) -> None:
    """The scheduler was away for hours, while workers saw further calls: a change of settings is not overlooked."""
    machine, now = await _machine(), utc_now()
    await _decided(machine, now)
    await note_decided_hooks(last_hooks, now)
    away = now + timedelta(hours=5)
    await _decided(machine, now + timedelta(hours=1), event="ConfigChange")
    await note_hooks([LastHook(machine_id=machine, agent="claude", at=away, decision_id=None)])
    await note_decided_hooks(last_hooks, away)
    found = await _only(away)
    assert (found.cause, found.runtime.last_hook_at) == ("config_changed", away)


async def test_a_worker_writes_down_what_clients_call_themselves(committed_database: TestDatabase) -> None:
    """Once for many calls, never backwards, without taking the proof away; of an unknown machine nothing."""
    machine, now = await _machine(), utc_now()
    proof = uuid7()
    await note_hooks([LastHook(machine_id=machine, agent="claude", at=now, decision_id=proof)])
    second = timedelta(seconds=1)
    moments = [now - second, now - second, now - 2 * MINUTE, now]
    sightings = Sightings(lambda: moments.pop(0))
    for version in ("0.36.57", "0.36.58\u202e"):
        sightings.note(machine, "claude", version)
    await sightings.flush()
    sightings.note(machine, "claude", "0.36.1")
    sightings.note(uuid7(), "claude", "1")
    await sightings.flush()
    await sightings.flush()
    found = (await _only(now)).runtime
    assert (found.client_version, found.last_hook_at) == ("0.36.58", now)
    assert found.last_decision_id == proof


async def test_a_busy_agent_is_written_down_once_a_minute(committed_database: TestDatabase) -> None:
    """Or at once if its client is another one; a flush that fails is made up for."""
    machine, now = await _machine(), utc_now()
    clock = [now]
    sightings = Sightings(lambda: clock[0])
    for seconds, version, written in [(0, "1", 0), (30, "1", 0), (40, "2", 40), (50, "2", 40), (101, "2", 101)]:
        clock[0] = now + timedelta(seconds=seconds)
        sightings.note(machine, "claude", version)
        await sightings.flush()
        found = (await _only(now)).runtime
        assert (found.last_hook_at, found.client_version) == (now + timedelta(seconds=written), version)
    clock[0] = now + 5 * MINUTE
    sightings.note(machine, "claude", "3")
    await disconnect()
    with pytest.raises(DatabaseUnreachableError):
        await sightings.flush()
    await connect(committed_database.service_url)
    await sightings.flush()
    assert (await _only(now)).runtime.client_version == "3"


async def test_a_revoked_machine_needs_no_cover(rolled_back_database: TestDatabase) -> None:
    """Nothing is expected of it, so nothing is said about it."""
    machine, now = await _machine(), utc_now()
    await record_activity(machine, None, "ida-mbp", "claude", now)
    await revoke_machine(ADMIN, machine, now=now)
    assert await coverage(now) == []
    assert await review(_Bell(), now) == []


async def test_no_alarm_is_overlooked(rolled_back_database: TestDatabase) -> None:
    """Whatever is known of an agent: what the database looks out for holds everything that the rules call an alarm."""
    now = utc_now()
    [ours, *_] = shim_marks()
    async with read_connection() as connection:
        await connection.executemany(
            "INSERT INTO agent_runtime (id, person_id, hostname, agent, display_name, first_seen_at, noted_state, "
            "client_version, config_changed_at, accepted_at, unprotected_since, last_hook_at, last_activity_at) "
            "VALUES ($1, $2, 'h', 'claude', 'C', now(), 'never', $3, $4, $5, $6, $7, $8)",
            [
                (uuid7(), uuid7(), version, *moments)
                for version in ("0.36.58", ours, ours[:-1] + "!")
                for moments in product((None, now - 20 * MINUTE, now), repeat=5)
            ],
        )
    everything = {one.id: state_of(one, now, shims=shim_marks()) for one in await _every_runtime()}
    alarming = {id_ for id_, state in everything.items() if state in {CoverageState.TAMPERED, CoverageState.SILENT}}
    assert len(everything) == 729
    assert alarming <= {one.id for one in await suspects()}
    listed = await coverage(now, limit=1_000)
    assert {one.runtime.id: one.state for one in listed} == everything
    assert {one.runtime.id for one in listed[: len(alarming)]} == alarming
    for state in CoverageState:
        found = {one.runtime.id for one in await coverage(now, CoverageFilter(state=state.value), limit=1_000)}
        assert found == {id_ for id_, each in everything.items() if each is state}, state


async def _every_runtime() -> list[Runtime]:
    async with read_connection() as connection:
        rows = await connection.fetch("SELECT * FROM agent_runtime")
    return [Runtime(**{name: row[name] for name in Runtime.__struct_fields__}) for row in rows]
