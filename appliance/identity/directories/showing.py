"""Runs as people read them: names instead of keys, numbers of people and groups."""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

import msgspec

from appliance.database.connection import read_connection
from appliance.identity.account_queries import accounts_with
from appliance.identity.directories.applying import differences
from appliance.identity.directories.changes import changes_of
from appliance.identity.directories.plans import Preview, Run, SyncChange, What
from appliance.identity.groups import groups_of
from appliance.identity.records import Source, SourceKind

# What matters most comes first.
ORDER: Final = (What.DISABLED, What.ENABLED, What.CREATED, What.GROUPS, What.REFRESHED, What.SKIPPED)
_NUMBERS: Final = """
SELECT s.source,
  (SELECT count(*) FROM external_account a WHERE a.source = s.source AND NOT a.is_disabled) AS people,
  (SELECT count(*) FROM external_account a WHERE a.source = s.source AND a.is_disabled) AS disabled,
  (SELECT count(*) FROM identity_group g WHERE g.source = s.source AND NOT g.is_gone) AS groups
FROM unnest($1::text[]) AS s(source)
"""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One person in a run's difference.

    Attributes:
        who: their name in the directory; the entry's key where nobody here knows it.
        cause: of a disabling, or the code of the reason why somebody was skipped.
        gained, lost: names of groups.
    """

    what: What
    who: str
    key: str
    cause: str = ""
    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


class Numbers(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a source is known here; `people` are those who may come in."""

    people: int = 0
    disabled: int = 0
    groups: int = 0


async def lines_of_run(run: Run, *, limit: int | None = None) -> tuple[Line, ...]:
    """What a run did, or would do as long as it is held; with a limit what matters most."""
    changes: list[SyncChange] = []
    for what in ORDER:
        left = None if limit is None else limit - len(changes)
        if left is None or left > 0:
            changes += await changes_of(run.id, what=what, limit=left)
    return await _lines(Source(SourceKind.DIRECTORY, run.directory), changes, {}, {})


async def lines_of_preview(preview: Preview) -> tuple[Line, ...]:
    """What a run would do now."""
    plan = preview.plan
    changes = sorted(differences(plan), key=lambda change: ORDER.index(change.what))
    names = {user.key: user.user_name for user in (*plan.create, *plan.refresh)}
    return await _lines(Source(SourceKind.DIRECTORY, preview.directory), changes, names, plan.groups)


async def numbers_of(sources: Collection[Source]) -> Mapping[Source, Numbers]:
    """How much of each source is known here."""
    async with read_connection() as connection:
        rows = await connection.fetch(_NUMBERS, [str(source) for source in sources])
    found = {
        row["source"]: Numbers(people=row["people"], disabled=row["disabled"], groups=row["groups"]) for row in rows
    }
    return {source: found[str(source)] for source in sources}


async def _lines(
    source: Source, changes: Iterable[SyncChange], names: Mapping[str, str], groups: Mapping[str, str]
) -> tuple[Line, ...]:
    changes = tuple(changes)
    accounts = await accounts_with(source, {change.key for change in changes})
    names = {account.key: account.user_name for account in accounts} | dict(names)
    groups = {group.key: group.name for group in await groups_of(source)} | dict(groups)
    return tuple(
        Line(
            what=change.what,
            who=names.get(change.key, change.key),
            key=change.key,
            cause=change.cause,
            gained=tuple(sorted(groups.get(key, key) for key in change.after)),
            lost=tuple(sorted(groups.get(key, key) for key in change.before)),
        )
        for change in changes
    )
