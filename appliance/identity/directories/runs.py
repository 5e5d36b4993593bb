"""Writing down what runs of a directory's sync did; every verb but `begin` joins the running transaction."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from appliance.database.connection import current_connection
from appliance.database.identifiers import uuid7
from appliance.database.transaction import transaction
from appliance.identity.changes import record
from appliance.identity.directories import events, queries
from appliance.identity.directories.errors import RunClosedError
from appliance.identity.directories.plans import Run, RunKind, RunState
from appliance.ledger.records import Actor

# Notified in the commit of every change of how a run stands; without a payload.
CHANNEL: Final = "leash_directory_runs"
INTERRUPTED: Final = "The run was interrupted before it changed anything"
# How often in a row a failure was met, among the counts of the one run that stands for all of them.
TIMES: Final = "times"
_BATCH: Final = 5_000
_PROBLEM_MAX: Final = 2_000
_BEGIN: Final = """
INSERT INTO sync_run (id, directory, kind, state, started_at, counts, cursor, basis, problem, started_by, resolved_by)
VALUES ($1, $2, $3, 'running', $4, '{}', '', $5, '', $6, '')
"""
_HAS_READ: Final = "UPDATE sync_run SET counts = $2 WHERE id = $1 AND state = 'running'"
_END: Final = """
UPDATE sync_run SET state = $3, kind = $4, ended_at = $5, counts = $6, cursor = $7, problem = $8,
  seconds_to_effect = $9 WHERE id = $1 AND state = $2
"""
_RESOLVE: Final = """
UPDATE sync_run SET state = $3, resolved_at = $4, resolved_by = $5, problem = coalesce(nullif($6, ''), problem)
WHERE id = $1 AND state = $2
"""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ends.

    Attributes:
        cursor: where the next incremental run begins; empty if this one settled nothing.
    """

    state: RunState
    kind: RunKind
    counts: Mapping[str, int] = {}
    cursor: str = ""
    problem: str = ""
    seconds_to_effect: float | None = None


async def begin(directory: str, kind: RunKind, basis: str, actor: Actor, now: datetime) -> UUID:
    """A run that is under way; one that died before it is marked as failed."""
    run_id = uuid7()
    async with transaction():
        left = await current_connection().fetch(
            "SELECT id, kind FROM sync_run WHERE directory = $1 AND state = 'running'", directory
        )
        for row in left:
            outcome = Outcome(state=RunState.FAILED, kind=RunKind(row["kind"]), problem=INTERRUPTED)
            await end(row["id"], outcome, now)
            await _record(actor, events.SYNC_FAILED, directory, row["id"], now, {"code": "interrupted"})
        await current_connection().execute(_BEGIN, run_id, directory, kind.value, now, basis, actor.id[:64])
        await _announce()
    return run_id


async def has_read(run_id: UUID, people: int, groups: int) -> None:
    """Note, for whoever looks at the run meanwhile, how much of the directory it has read; its end says what it did."""
    counts = msgspec.json.encode({"people_read": people, "groups_read": groups}).decode()
    async with transaction():
        await current_connection().execute(_HAS_READ, run_id, counts)
        await _announce()


async def end(run_id: UUID, outcome: Outcome, now: datetime, *, before: RunState = RunState.RUNNING) -> None:
    """The run's end, or the end of its being held.

    Raises:
        RunClosedError: it is not in the state `before` any more: somebody else took it for dead.
    """
    done = await current_connection().execute(
        _END, run_id, before.value, outcome.state.value, outcome.kind.value, now,
        msgspec.json.encode(outcome.counts).decode(), outcome.cursor, outcome.problem[:_PROBLEM_MAX],
        outcome.seconds_to_effect,
    )  # fmt: skip
    if done != "UPDATE 1":
        raise RunClosedError
    await _announce()


async def resolve(run: Run, state: RunState, by: str, now: datetime, *, problem: str = "") -> None:
    """Note that a held run, or a done one, was taken to another state, and by whom: no person if that is empty.

    Raises:
        RunClosedError: it is not in the state that the caller saw.
    """
    done = await current_connection().execute(
        _RESOLVE,
        run.id, run.state.value, state.value, now, by[:64], problem,
    )  # fmt: skip
    if done != "UPDATE 1":
        raise RunClosedError
    await _announce()


async def fail(run_id: UUID, outcome: Outcome, code: str, actor: Actor, now: datetime) -> None:
    """The end of a run that failed and changed nobody.

    A directory that is away for a day fails hundreds of times in the same way: the newest run stands for all of them,
    with their number, and the ledger has the first.
    """
    async with transaction():
        run = await queries.run_by_id(run_id)
        earlier = await queries.last_ended(run.directory)
        is_same = earlier is not None and earlier.state is RunState.FAILED and earlier.problem == outcome.problem
        counts = dict(outcome.counts)
        if is_same and earlier is not None:
            counts[TIMES] = earlier.counts.get(TIMES, 1) + 1
            await forget(earlier.id)
        await end(run_id, msgspec.structs.replace(outcome, counts=counts), now)
        if not is_same:
            await _record(actor, events.SYNC_FAILED, run.directory, run_id, now, {"code": code}, outcome.problem)


async def forget(run_id: UUID) -> None:
    """Delete a run of which nothing is worth keeping."""
    await current_connection().execute("DELETE FROM sync_run WHERE id = $1", run_id)
    await _announce()


async def record_run(actor: Actor, event: str, run: Run, now: datetime, facts: Mapping[str, Any]) -> None:
    """The ledger entry of what a run did, or of what somebody did with it."""
    await _record(actor, event, run.directory, run.id, now, facts)


async def _announce() -> None:
    await current_connection().execute("SELECT pg_notify($1, '')", CHANNEL)


async def _record(
    actor: Actor, event: str, directory: str, run_id: UUID, now: datetime, facts: Mapping[str, Any], said: str = ""
) -> None:
    # What a server says may name people: it enters the ledger by commitment only.
    personal = {"said": said[:_PROBLEM_MAX]} if said else {}
    await record(actor, event, f"sync_run:{run_id}", now, facts={"directory": directory, **facts}, personal=personal)
