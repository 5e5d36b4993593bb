"""The verbs of coverage: take reports, note what arrived, look at what has become of it, accept a change."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from appliance.agents.coverage import events, rules, statements
from appliance.agents.coverage.ports import CoverageAlarm, HookSource
from appliance.agents.coverage.queries import runtime_by_id, suspects
from appliance.agents.coverage.records import AgentReport, CoverageState, Covered, LastHook, Runtime
from appliance.agents.errors import MachineUnknownError
from appliance.agents.names import AGENT_NAMES, agent_name, agent_of
from appliance.agents.rules import HOSTNAME_MAX, PLATFORM_MAX, VERSION_MAX, one_line
from appliance.agents.shim.release import shim_marks
from appliance.database.connection import current_connection, read_connection
from appliance.database.identifiers import uuid7
from appliance.database.transaction import transaction
from appliance.ledger.records import Actor, ActorKind, LedgerEntry
from appliance.ledger.service import append

AGENTS_PER_MACHINE: Final = 32
# On machines that have not enrolled, whose names a client can make up.
AGENTS_PER_PERSON: Final = 200
NAME_MAX: Final = 100
EXECUTABLE_MAX: Final = 500
DETAIL_MAX: Final = 300
_KIND: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,31}")
_ALARMING: Final = frozenset({CoverageState.TAMPERED, CoverageState.SILENT})
_SYSTEM: Final = Actor(kind=ActorKind.SYSTEM, id="coverage")
# Decisions of one moment commit in any order, some after others of a later moment, but all within the commit's time.
_OVERLAP: Final = timedelta(seconds=15)
# How far back the first look goes, and one after an outage of the scheduler at most; in steps that take no long time.
_FARTHEST: Final = timedelta(days=1)
_STEP: Final = timedelta(minutes=10)
# Of decisions alone: what workers see moves the newest hook on, too, but tells of no change of settings.
_LOOKED_UNTIL: Final = """
SELECT uuid_extract_timestamp(encode(max(uuid_send(last_decision_id)), 'hex')::uuid) FROM agent_runtime
"""
_MACHINE_OF: Final = """
SELECT id FROM machine WHERE hostname = $2 AND revoked_at IS NULL
  AND (person_id = $1 OR email = (SELECT email FROM person WHERE id = $1)) ORDER BY id DESC LIMIT 1
"""
_ORPHANS: Final = "DELETE FROM agent_runtime WHERE machine_id IS NULL AND person_id = $1 AND hostname = $2"


async def record_reports(
    machine_id: UUID | None, person_id: UUID | None, hostname: str, reports: Sequence[AgentReport], now: datetime
) -> None:
    """Keep what a client says of the agents on its machine.

    Without `machine_id` it is the person's machine of that name, where one has enrolled. What has no usable kind, or
    is beyond 32 agents of one machine or 200 of a person's machines that have not enrolled, is left out: a client must
    not be able to fill the table.
    """
    async with transaction():
        machine_id, host = await _place_of(machine_id, person_id, hostname)
        if machine_id is None and person_id is None:
            return
        sql = statements.REPORT_OF_PERSON if machine_id is None else statements.REPORT_OF_MACHINE
        kept = await _kept({agent_of(report.kind): report for report in reports}, machine_id, person_id, host)
        rows = [
            (uuid7(), machine_id, person_id, host, agent, *_told(agent, report), now)
            for agent, report in sorted(kept.items())
        ]
        await current_connection().executemany(sql, rows)


def _told(agent: str, report: AgentReport) -> tuple[Any, ...]:
    """What the client says, in the form in which it is kept."""
    return (
        one_line(report.display_name, NAME_MAX) or agent_name(agent),
        one_line(report.executable, EXECUTABLE_MAX),
        one_line(report.platform, PLATFORM_MAX),
        one_line(report.client_version, VERSION_MAX),
        report.is_installed,
        report.is_protected,
        one_line(report.detail, DETAIL_MAX),
    )


async def record_activity(
    machine_id: UUID | None, person_id: UUID | None, hostname: str, agent: str, now: datetime
) -> None:
    """Note that an agent works, by something other than its hooks: telemetry, usage, or a client's word.

    Without `machine_id` it is the person's machine of that name.

    Raises:
        MachineUnknownError: no machine of theirs that has enrolled has this name.
    """
    async with transaction():
        machine_id, host = await _place_of(machine_id, person_id, hostname)
        if machine_id is None:
            raise MachineUnknownError
        for known in await _kept({agent_of(agent): None}, machine_id, person_id, host):
            await current_connection().execute(
                statements.ACTIVE, uuid7(), machine_id, host, known, agent_name(known), now
            )


async def _place_of(machine_id: UUID | None, person_id: UUID | None, hostname: str) -> tuple[UUID | None, str]:
    """The machine that is meant, and its name; what was known before it enrolled is forgotten for its sake."""
    host, connection = one_line(hostname, HOSTNAME_MAX), current_connection()
    if machine_id is None and person_id is not None:
        machine_id = await connection.fetchval(_MACHINE_OF, person_id, host)
    if machine_id is not None and person_id is not None:
        await connection.execute(_ORPHANS, person_id, host)
    return machine_id, host


async def _kept(told: dict[str, Any], machine_id: UUID | None, person_id: UUID | None, host: str) -> dict[str, Any]:
    """What may be kept of what was told, by agent."""
    if machine_id is not None:
        rows = await current_connection().fetch("SELECT agent FROM agent_runtime WHERE machine_id = $1", machine_id)
    else:
        rows = await current_connection().fetch(
            "SELECT agent, hostname FROM agent_runtime WHERE machine_id IS NULL AND person_id = $1", person_id
        )
        if len(rows) >= AGENTS_PER_PERSON:
            return {
                row["agent"]: told[row["agent"]] for row in rows if row["hostname"] == host and row["agent"] in told
            }
        rows = [row for row in rows if row["hostname"] == host]
    known = {row[0] for row in rows} | set(AGENT_NAMES)
    kept: dict[str, Any] = {}
    for agent, report in told.items():
        if agent in known or (_KIND.fullmatch(agent) and len(known | set(kept)) < AGENTS_PER_MACHINE):
            kept[agent] = report
    return kept


async def note_hooks(found: Sequence[LastHook], *, versions: Sequence[str] | None = None) -> None:
    """Note which hooks have arrived; `versions` are what their clients call themselves, in the same order."""
    rows = [
        (
            uuid7(),
            one.machine_id,
            one.agent,
            agent_name(one.agent),
            one.at,
            one.decision_id,
            one.config_changed_at,
            told,
        )
        for one, told in zip(found, versions or [""] * len(found), strict=True)
    ]
    if rows:
        async with transaction():
            await current_connection().execute(statements.NOTE_HOOKS, *map(list, zip(*rows, strict=True)))


async def note_decided_hooks(source: HookSource, now: datetime, *, looked_until: datetime | None = None) -> datetime:
    """Note the hooks that were decided since the last look, and return until when this one has looked.

    Without `looked_until`, that is since the newest decision that is noted: looks that others missed are made up for,
    those of a day at most.
    """
    if looked_until is None:
        async with read_connection() as connection:
            looked_until = await connection.fetchval(_LOOKED_UNTIL)
    since = now - _FARTHEST if looked_until is None else max(looked_until - _OVERLAP, now - _FARTHEST)
    while since <= now:
        await note_hooks(await source(since, since + _STEP))
        since += _STEP
    return now


async def review(alarm: CoverageAlarm, now: datetime) -> list[Covered]:
    """Look at every agent that gives reason to: what has become tampered or silent, or is so no more, is told.

    In the ledger and by the alarm. Returns what has changed in that way.
    """
    told = []
    for runtime in await suspects():
        one = rules.covered(runtime, now, shims=shim_marks())
        if one.state.value != runtime.noted_state and await _note_state(one, alarm, now):
            told.append(one)
    return told


async def _note_state(one: Covered, alarm: CoverageAlarm, now: datetime) -> bool:
    """Whether people were told; of two that look at the same time, one tells."""
    runtime = one.runtime
    is_alarming, was_alarming = one.state in _ALARMING, runtime.noted_state in _ALARMING
    async with transaction():
        noted = await current_connection().fetchval(
            "UPDATE agent_runtime SET noted_state = $3 WHERE id = $1 AND noted_state = $2 RETURNING id",
            runtime.id, runtime.noted_state, one.state.value,
        )  # fmt: skip
        if noted is None or not (is_alarming or was_alarming):
            return False
        event = events.AGENT_TAMPERED if one.cause else events.AGENT_SILENT
        facts = {"agent": runtime.agent, "cause": one.cause} if one.cause else {"agent": runtime.agent}
        await _record(event if is_alarming else events.AGENT_RECOVERED, _SYSTEM, runtime, facts, now)
        if is_alarming:
            await alarm.tell(one)
    return True


async def accept_change(actor: Actor, runtime_id: UUID, *, now: datetime) -> Covered:
    """Take the change of an agent's settings, or the loss of its hooks, as known; returns how it stands now.

    Raises:
        RuntimeUnknownError: there is no such agent on a machine.
    """
    async with transaction():
        runtime = await runtime_by_id(runtime_id)
        await current_connection().execute(
            "UPDATE agent_runtime SET accepted_at = $2, unprotected_since = NULL WHERE id = $1", runtime_id, now
        )
        facts = {"agent": runtime.agent, "cause": rules.cause_of(runtime, shims=shim_marks())}
        await _record(events.AGENT_CHANGE_ACCEPTED, actor, runtime, facts, now)
        return rules.covered(await runtime_by_id(runtime_id), now, shims=shim_marks())


async def _record(event: str, actor: Actor, runtime: Runtime, facts: dict[str, Any], now: datetime) -> None:
    subject = f"machine:{runtime.machine_id}" if runtime.machine_id else f"agent_runtime:{runtime.id}"
    personal = {"hostname": runtime.hostname}
    await append(LedgerEntry(event=event, actor=actor, subject=subject, facts=facts, personal=personal), now=now)
