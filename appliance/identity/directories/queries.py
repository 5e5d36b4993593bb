"""Reading runs, their changes, and what stands here of a directory."""

from collections.abc import Collection, Mapping
from typing import Any, Final
from uuid import UUID

import msgspec

from appliance.database.connection import read_connection
from appliance.identity.directories.errors import RunUnknownError
from appliance.identity.directories.nesting import TOKEN_BYTES
from appliance.identity.directories.plans import Entry, Known, Run, RunKind, RunState, SyncChange, What

PAGE: Final = 50
_RUN: Final = """
SELECT id, directory, kind, state, started_at, ended_at, counts, cursor, basis, problem, seconds_to_effect, started_by,
  resolved_at, resolved_by
FROM sync_run
"""
_ACCOUNTS: Final = """
SELECT id, key, person AS person_id, is_disabled, seen_at, spared_at IS NOT NULL AS is_spared
FROM external_account WHERE source = $1
"""
_GROUPS: Final = "SELECT key, name FROM identity_group WHERE source = $1 AND NOT is_gone"
# One text per account: a row per membership would be decoded twenty times as often.
_MEMBERS: Final = """
SELECT a.key, string_agg(g.key, E'\\n') AS groups
FROM external_account a JOIN group_member m ON m.account = a.id JOIN identity_group g ON g.id = m.identity_group
WHERE a.source = $1 GROUP BY a.key
"""
_ENTRIES: Final = "SELECT key, is_group, dn, name, members, profile FROM directory_entry WHERE directory = $1"


# Of whoever was disabled nothing is remembered but the key. The last owner is spared: that is how it shall be.
_UNMET: Final = """
SELECT a.key FROM external_account a LEFT JOIN directory_entry e ON e.directory = $1 AND e.key = a.key
WHERE a.source = $2 AND NOT a.is_disabled AND a.spared_at IS NULL AND (e.key IS NULL OR e.profile = '')
"""


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
        members = await connection.fetch(_MEMBERS, source)
        entries = await connection.fetch(_ENTRIES, directory)
    return Standing(
        accounts={row["key"]: Known(**dict(row)) for row in accounts},
        groups={row["key"]: row["name"] for row in groups},
        members={row["key"]: frozenset(row["groups"].split("\n")) for row in members},
        entries={row["key"]: _entry(row) for row in entries},
        undone=await _undone(directory),
    )


async def account_ids(source: str, keys: Collection[str]) -> dict[str, UUID]:
    """Key -> account of these keys, as far as there are any."""
    async with read_connection() as connection:
        rows = await connection.fetch(
            "SELECT key, id FROM external_account WHERE source = $1 AND key = ANY($2)", source, list(keys)
        )
    return {row["key"]: row["id"] for row in rows}


async def group_entries(directory: str) -> tuple[Entry, ...]:
    """The groups that the last reading showed, with their direct members."""
    async with read_connection() as connection:
        rows = await connection.fetch(_ENTRIES + " AND is_group", directory)
    return tuple(_entry(row) for row in rows)


async def remembered_keys(directory: str) -> frozenset[str]:
    """Keys of all entries that the last reading showed."""
    async with read_connection() as connection:
        rows = await connection.fetch("SELECT key FROM directory_entry WHERE directory = $1", directory)
    return frozenset([row["key"] for row in rows])


async def unmet_keys(directory: str, source: str) -> frozenset[str]:
    """Keys of enabled accounts whose people the last reading did not show as enabled: they came in by a sign-in."""
    async with read_connection() as connection:
        rows = await connection.fetch(_UNMET, directory, source)
    return frozenset([row["key"] for row in rows])


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


async def changes_of(
    run_id: UUID, *, what: What | None = None, after: UUID | None = None, limit: int | None = None
) -> tuple[SyncChange, ...]:
    """What a run did, or would do as long as it is held, in the order in which it was written."""
    clauses = """SELECT id, what, key, account, cause, before, after FROM sync_change
    WHERE run = $1 AND ($2 = '' OR what = $2) AND ($3::uuid IS NULL OR id > $3) ORDER BY id LIMIT $4"""
    async with read_connection() as connection:
        rows = await connection.fetch(clauses, run_id, what.value if what else "", after, limit)
    return tuple(_change(row) for row in rows)


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


def _change(row: Any) -> SyncChange:  # noqa: ANN401 - see above
    return SyncChange(
        what=What(row["what"]),
        key=row["key"],
        account=row["account"],
        cause=row["cause"],
        before=tuple(row["before"]),
        after=tuple(row["after"]),
    )


def _entry(row: Any) -> Entry:  # noqa: ANN401 - see above
    members = row["members"]
    return Entry(
        key=row["key"],
        is_group=row["is_group"],
        dn=row["dn"],
        name=row["name"],
        members=frozenset([members[at : at + TOKEN_BYTES] for at in range(0, len(members), TOKEN_BYTES)]),
        profile=row["profile"],
    )
