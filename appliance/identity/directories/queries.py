"""Reading runs, their changes, and what stands here of a directory."""

from collections.abc import Collection, Mapping
from typing import Any, Final
from uuid import UUID

import msgspec

from appliance.database.connection import read_connection
from appliance.identity.directories.changes import changes_of
from appliance.identity.directories.errors import RunUnknownError
from appliance.identity.directories.memory import remembered
from appliance.identity.directories.plans import Entry, Known, Run, RunKind, RunState, What

PAGE: Final = 50
_RUN: Final = """
SELECT id, directory, kind, state, started_at, ended_at, counts, cursor, basis, problem, seconds_to_effect, started_by,
  resolved_at, resolved_by
FROM sync_run
"""
_ACCOUNTS: Final = """
SELECT id, key, person, is_disabled, seen_at, spared_at IS NOT NULL AS is_spared, groups
FROM external_account WHERE source = $1
"""
_GROUPS: Final = "SELECT id, key, name, is_gone FROM identity_group WHERE source = $1"
# The last owner is spared: that is how it shall be.
_ENABLED: Final = "SELECT key FROM external_account WHERE source = $1 AND NOT is_disabled AND spared_at IS NULL"


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What stands here of one directory.

    Attributes:
        accounts: by key.
        groups: key -> name.
        members: account key -> keys of its groups.
        entries: what is remembered of the last reading, by key.
        undone: keys of people to whom a person gave back what the last run had taken.
    """

    accounts: Mapping[str, Known]
    groups: Mapping[str, str]
    members: Mapping[str, frozenset[str]]
    entries: Mapping[str, Entry]
    undone: frozenset[str]


NOTHING: Final = Standing(accounts={}, groups={}, members={}, entries={}, undone=frozenset())


class DirectoryStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How sync of one directory stands, for pages and health.

    Attributes:
        last_good: the newest run that brought this installation up to the directory's state.
        last_failed: the newest failure after that, if the directory cannot be read now.
        held: the run that waits for a person.
        seconds_to_effect: the newest figure; None until somebody was disabled.
    """

    directory: str
    last_good: Run | None
    last_failed: Run | None
    held: Run | None
    seconds_to_effect: float | None


async def standing_of(directory: str, source: str) -> Standing:
    """What a plan starts from; inside a transaction that has its turn it stays true until the commit."""
    async with read_connection() as connection:
        accounts = await connection.fetch(_ACCOUNTS, source)
        groups = await connection.fetch(_GROUPS, source)
    keys = {row["id"]: row["key"] for row in groups}
    return Standing(
        accounts={row["key"]: _known(row) for row in accounts},
        groups={row["key"]: row["name"] for row in groups if not row["is_gone"]},
        members={row["key"]: frozenset([keys[each] for each in row["groups"]]) for row in accounts if row["groups"]},
        entries=await remembered(directory),
        undone=await _undone(directory),
    )


async def account_ids(source: str, keys: Collection[str]) -> dict[str, UUID]:
    """Key -> account of these keys, as far as there are any."""
    async with read_connection() as connection:
        rows = await connection.fetch(
            "SELECT key, id FROM external_account WHERE source = $1 AND key = ANY($2)", source, list(keys)
        )
    return {row["key"]: row["id"] for row in rows}


async def unmet_keys(source: str, met: Collection[str]) -> frozenset[str]:
    """Keys of enabled accounts that are not among those whom the last reading showed: they came in by a sign-in."""
    async with read_connection() as connection:
        rows = await connection.fetch(_ENABLED, source)
    return frozenset([row["key"] for row in rows]).difference(met)


async def runs(*, directory: str = "", before: UUID | None = None, limit: int = PAGE) -> tuple[Run, ...]:
    """The history, newest first; `before` is the last identifier of the page before."""
    clauses = "WHERE ($1 = '' OR directory = $1) AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3"
    async with read_connection() as connection:
        rows = await connection.fetch(_RUN + clauses, directory, before, limit)
    return tuple(_run(row) for row in rows)


async def run_by_id(run_id: UUID) -> Run:
    """One run.

    Raises:
        RunUnknownError: there is none.
    """
    found = await _first("WHERE id = $1", run_id)
    if found is None:
        raise RunUnknownError
    return found


async def last_good(directory: str, kind: RunKind | None = None) -> Run | None:
    """The newest run that came to its end and knows where the next one begins."""
    clauses = "WHERE directory = $1 AND state = 'done' AND ($2 = '' OR kind = $2) ORDER BY id DESC LIMIT 1"
    return await _first(clauses, directory, kind.value if kind else "")


async def last_ended(directory: str) -> Run | None:
    """The newest run that is not under way."""
    return await _first("WHERE directory = $1 AND state <> 'running' ORDER BY id DESC LIMIT 1", directory)


async def held_run(directory: str) -> Run | None:
    """The run that waits for a person, if one does."""
    return await _first("WHERE directory = $1 AND state = 'held' ORDER BY id DESC LIMIT 1", directory)


async def last_undone(directory: str) -> Run | None:
    """The run that a person took back, until a later one came to its end."""
    clauses = """WHERE directory = $1 AND state = 'undone' AND NOT EXISTS (SELECT FROM sync_run d
      WHERE d.directory = $1 AND d.state = 'done' AND greatest(d.started_at, d.resolved_at) > sync_run.resolved_at)
    ORDER BY resolved_at DESC LIMIT 1"""
    return await _first(clauses, directory)


async def last_rejected(directory: str) -> Run | None:
    """The run that a person refused, until a later one came to its end."""
    clauses = """WHERE directory = $1 AND state = 'rejected' AND resolved_by <> ''
      AND NOT EXISTS (SELECT FROM sync_run d
        WHERE d.directory = $1 AND d.state = 'done' AND d.started_at > sync_run.resolved_at)
    ORDER BY resolved_at DESC LIMIT 1"""
    return await _first(clauses, directory)


async def status_of(directory: str) -> DirectoryStatus:
    """How sync of a directory stands."""
    good, ended = await last_good(directory), await last_ended(directory)
    measured = await _first(
        "WHERE directory = $1 AND seconds_to_effect IS NOT NULL ORDER BY id DESC LIMIT 1", directory
    )
    return DirectoryStatus(
        directory=directory,
        last_good=good,
        last_failed=ended if ended and ended.state is RunState.FAILED else None,
        held=await held_run(directory),
        seconds_to_effect=measured.seconds_to_effect if measured else None,
    )


async def _undone(directory: str) -> frozenset[str]:
    run = await last_undone(directory)
    if run is None:
        return frozenset()
    return frozenset(
        change.key
        for change in await changes_of(run.id)
        if change.what is What.DISABLED or set(change.before) - set(change.after)
    )


async def _first(clauses: str, *arguments: Any) -> Run | None:  # noqa: ANN401 - whatever the clauses compare
    async with read_connection() as connection:
        row = await connection.fetchrow(_RUN + clauses, *arguments)
    return None if row is None else _run(row)


def _run(row: Any) -> Run:  # noqa: ANN401 - asyncpg.Record has no types
    counts: dict[str, int] = msgspec.json.decode(row["counts"])
    kind, state = RunKind(row["kind"]), RunState(row["state"])
    return Run(**{**dict(row), "counts": counts, "kind": kind, "state": state})


def _known(row: Any) -> Known:  # noqa: ANN401 - see above
    return Known(
        id=row["id"],
        key=row["key"],
        person_id=row["person"],
        is_disabled=row["is_disabled"],
        seen_at=row["seen_at"],
        is_spared=row["is_spared"],
    )
