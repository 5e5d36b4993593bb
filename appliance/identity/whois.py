"""Who somebody is, by everything that is known of them: accounts, directories, groups, roles and their reasons."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from appliance.database.connection import read_connection
from appliance.identity import queries
from appliance.identity.account_queries import Account, accounts_of_person
from appliance.identity.directories.errors import DirectoryError
from appliance.identity.directories.memory import remembered_groups
from appliance.identity.directories.nesting import key_token
from appliance.identity.directories.plans import Entry
from appliance.identity.directories.records import DirectoryUser
from appliance.identity.directories.service import Directories
from appliance.identity.errors import EmailRefusedError, PersonAmbiguousError, PersonUnknownError
from appliance.identity.people import People
from appliance.identity.records import Person, Session, Source, SourceKind
from appliance.identity.sessions import Sessions

_BY_NAME: Final = "SELECT DISTINCT person FROM external_account WHERE lower(user_name) = lower($1) LIMIT 2"
_MEMBERSHIPS: Final = """
SELECT a.source, a.key AS account, a.is_disabled, g.key, g.name,
  coalesce(array_agg(x.role ORDER BY x.role, x.project) FILTER (WHERE x.role IS NOT NULL), '{}') AS roles,
  coalesce(array_agg(x.project ORDER BY x.role, x.project) FILTER (WHERE x.role IS NOT NULL), '{}') AS projects
FROM external_account a JOIN identity_group g ON g.id = ANY(a.groups)
  LEFT JOIN group_grant x ON x.identity_group = g.id
WHERE a.person = $1 GROUP BY a.source, a.key, a.is_disabled, g.id ORDER BY a.source, g.name, g.key
"""


class InDirectory(msgspec.Struct, frozen=True, kw_only=True):
    """What a directory says of somebody now.

    Attributes:
        user: None if it knows nobody of this name, or could not be asked.
        problem: why it could not be asked.
    """

    directory: str
    user: DirectoryUser | None = None
    problem: str = ""


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """A group that somebody is in.

    Attributes:
        way: names of the groups from the one they are in directly to this one, itself the last; only this one where
            the source does not tell how groups lie within groups.
    """

    source: Source
    key: str
    name: str
    way: tuple[str, ...]


class RoleReason(msgspec.Struct, frozen=True, kw_only=True):
    """A role, or an approver group as `group:name`, and where somebody has it from.

    Attributes:
        by: `assigned`, or the group as `directory:corp/Developers`.
        project: a pattern; empty is everywhere.
        counts: whether it gives anything now: not if the account that it hangs on is disabled.
    """

    role: str
    by: str
    project: str = ""
    counts: bool = True


class WhoIs(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about somebody; `person` is None for whom only a directory knows."""

    person: Person | None
    accounts: tuple[Account, ...]
    directories: tuple[InDirectory, ...]
    groups: tuple[Membership, ...]
    roles: tuple[RoleReason, ...]
    sessions: tuple[Session, ...]


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is known here of a person, without asking any directory; groups are told without the way into them."""

    accounts: tuple[Account, ...]
    groups: tuple[Membership, ...]
    roles: tuple[RoleReason, ...]


async def known_of(person: Person) -> Known:
    """Accounts, groups and reasons of a person."""
    rows = await _memberships(person.id)
    groups = tuple(
        Membership(source=Source.of(row["source"]), key=row["key"], name=row["name"], way=(row["name"],))
        for row in rows
    )
    return Known(accounts=await accounts_of_person(person.id), groups=groups, roles=_reasons(person, rows))


async def who_is(text: str, now: datetime, *, people: People, sessions: Sessions, directories: Directories) -> WhoIs:
    """Whoever has this user name, address or identifier, here or in a directory.

    Raises:
        PersonUnknownError: nobody has.
        PersonAmbiguousError: several people have this user name.
    """
    person = await _person(text, people)
    accounts = await accounts_of_person(person.id) if person else ()
    found = tuple([await _in_directory(name, text, accounts, directories) for name in directories.names])
    if person is None:
        if not any(each.user for each in found):
            raise PersonUnknownError
        return WhoIs(person=None, accounts=(), directories=found, groups=(), roles=(), sessions=())
    rows = await _memberships(person.id)
    return WhoIs(
        person=person,
        accounts=accounts,
        directories=found,
        groups=await _groups(rows, directories),
        roles=_reasons(person, rows),
        sessions=await sessions.list_own(person.id, now),
    )


async def _person(text: str, people: People) -> Person | None:
    async with read_connection() as connection:
        rows = await connection.fetch(_BY_NAME, text)
    if len(rows) > 1:
        raise PersonAmbiguousError
    if rows:
        return await queries.person_by_id(rows[0]["person"])
    try:
        return await people.find(text)
    except (EmailRefusedError, PersonUnknownError):
        return None


async def _in_directory(name: str, text: str, accounts: tuple[Account, ...], directories: Directories) -> InDirectory:
    """By the name that the directory itself knows, which may not be the one that was typed."""
    source = Source(SourceKind.DIRECTORY, name)
    wanted = next((account.user_name for account in accounts if account.source == source), text)
    try:
        return InDirectory(directory=name, user=await directories.port(name).find(wanted))
    except DirectoryError as problem:
        return InDirectory(directory=name, problem=problem.detail)


async def _memberships(person_id: UUID) -> list[Any]:
    async with read_connection() as connection:
        rows: list[Any] = await connection.fetch(_MEMBERSHIPS, person_id)
    return rows


async def _groups(rows: list[Any], directories: Directories) -> tuple[Membership, ...]:
    ways: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {}
    for source, account in {(row["source"], row["account"]) for row in rows}:
        kind, _, name = source.partition(":")
        if kind == SourceKind.DIRECTORY.value and name in directories.names:
            depth = directories.settings(name).group_depth
            ways[source, account] = ways_into(await remembered_groups(name), account, depth)
    return tuple(
        Membership(
            source=Source.of(row["source"]),
            key=row["key"],
            name=row["name"],
            way=ways.get((row["source"], row["account"]), {}).get(row["key"], (row["name"],)),
        )
        for row in rows
    )


def ways_into(groups: Iterable[Entry], account: str, depth: int) -> dict[str, tuple[str, ...]]:
    """Group key -> names of the groups on the shortest way from somebody to it, level by level."""
    groups = tuple(groups)
    found: dict[str, tuple[str, ...]] = {}
    level: dict[bytes, tuple[str, ...]] = {key_token(account): ()}
    for _ in range(depth):
        above: dict[bytes, tuple[str, ...]] = {}
        for group in groups:
            below = group.members & level.keys()
            if below and group.key not in found:
                found[group.key] = (*level[min(below)], group.name)
                above[key_token(group.key)] = found[group.key]
        level = above
    return found


def _reasons(person: Person, rows: list[Any]) -> tuple[RoleReason, ...]:
    assigned = [RoleReason(role=role.value, by="assigned") for role in sorted(person.direct_roles)]
    granted = [
        RoleReason(role=role, by=f"{row['source']}/{row['name']}", project=project, counts=not row["is_disabled"])
        for row in rows
        for role, project in zip(row["roles"], row["projects"], strict=True)
    ]
    return (*assigned, *granted)
