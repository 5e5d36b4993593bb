"""Who is in which group, as it is written: an account has the identifiers of all its groups, in ascending order.

A row for each membership would take five times as long: large directories have hundreds of thousands. A group is
deleted only after nobody is in it, so that no identifier is of a group that does not exist.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final
from uuid import UUID

import msgspec

from appliance.database.connection import current_connection, read_connection
from appliance.identity.records import Source

_IDS: Final = "SELECT key, id FROM identity_group WHERE source = $1"
_GRANTED: Final = """
SELECT DISTINCT x.identity_group AS id FROM group_grant x JOIN identity_group g ON g.id = x.identity_group
WHERE g.source = $1
"""
# $2 are keys of the accounts that are told of; null is all of the source.
_STANDING: Final = """
SELECT id, key, person, groups FROM external_account WHERE source = $1 AND ($2::text[] IS NULL OR key = ANY($2))
"""
_WRITE: Final = """
UPDATE external_account a SET groups = n.groups::uuid[] FROM unnest($1::uuid[], $2::text[]) AS n(id, groups)
WHERE a.id = n.id
"""
# To look up many keys one by one takes ten times as long as to read all there are.
_FEW: Final = 500
_WRITTEN_AT_ONCE: Final = 5_000  # a statement may take no longer than any other
_PUT_BACK: Final = """
UPDATE external_account SET groups = ARRAY(SELECT DISTINCT unnest(groups || $2::uuid) ORDER BY 1) WHERE id = $1
"""


Newcomer = tuple[UUID, Sequence[UUID]]  # person and groups of an account that was made in this transaction


class Moved(msgspec.Struct, kw_only=True):
    """How many groups somebody joined or left, and which of them carry grants.

    Attributes:
        account: None for one that was made together with its groups.
    """

    account: UUID | None
    person: UUID
    memberships: int
    granted: list[UUID]

    def keep(self, account: UUID, identity_group: UUID) -> bool:
        """Take back that the account left the group; whether it left others."""
        if self.account == account:
            self.memberships -= 1
            self.granted.remove(identity_group)
        return self.memberships > 0


async def ids_of(source: Source, keys: Collection[str]) -> dict[str, UUID]:
    """Key to identifier of these groups of a source, as far as there are any; of many, all groups of the source."""
    async with read_connection() as connection:
        if len(keys) > _FEW:
            rows = await connection.fetch(_IDS, str(source))
        else:
            rows = await connection.fetch(_IDS + " AND key = ANY($2)", str(source), list(keys))
    return {row["key"]: row["id"] for row in rows}


def listed(groups: Iterable[str], ids: Mapping[str, UUID]) -> list[UUID]:
    """The groups of one account as they are stored; keys without a group are passed over."""
    return sorted([found for found in map(ids.get, groups) if found])


async def move(
    source: Source, members: Mapping[str, frozenset[str]], newcomers: Iterable[Newcomer], *, is_complete: bool
) -> tuple[list[Moved], list[Moved]]:
    """Put accounts into the groups that `members` names, and into no others; who joined any, and who left any.

    Args:
        source: whose accounts and groups they are.
        members: account key to group keys; keys without an account or a group are passed over.
        newcomers: have their groups already, and are not in `members`.
        is_complete: accounts that are not in `members` are in no group; otherwise they stay in theirs.
    """
    ids = await ids_of(source, frozenset().union(*members.values())) if members else {}
    granted = {row["id"] for row in await current_connection().fetch(_GRANTED, str(source))}
    told = None if is_complete else list(members)
    rows = await current_connection().fetch(_STANDING, str(source), told) if is_complete or told else []
    joined, left, changed = list[Moved](), list[Moved](), dict[UUID, list[UUID]]()
    for person, groups in newcomers:
        _note(joined, None, person, groups, granted)
    for row in rows:
        before, after = row["groups"], listed(members.get(row["key"], ()), ids)
        if before != after:
            changed[row["id"]] = after
            _note(joined, row["id"], row["person"], set(after).difference(before), granted)
            _note(left, row["id"], row["person"], set(before).difference(after), granted)
    await _write(changed)
    return joined, left


async def put_back(account: UUID, identity_group: UUID) -> None:
    """Let an account be in one more group."""
    await current_connection().execute(_PUT_BACK, account, identity_group)


async def _write(groups: Mapping[UUID, list[UUID]]) -> None:
    accounts = list(groups)
    for first in range(0, len(accounts), _WRITTEN_AT_ONCE):
        part = accounts[first : first + _WRITTEN_AT_ONCE]
        arrays = ["{" + ",".join(map(str, groups[account])) + "}" for account in part]
        await current_connection().execute(_WRITE, part, arrays)


def _note(
    found: list[Moved], account: UUID | None, person: UUID, groups: Collection[UUID], granted: Collection[UUID]
) -> None:
    if groups:
        carrying = [each for each in groups if each in granted] if granted else []
        found.append(Moved(account=account, person=person, memberships=len(groups), granted=carrying))
