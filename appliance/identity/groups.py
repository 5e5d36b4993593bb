"""Groups of directories, providers and SCIM clients, and who is in them.

Every verb runs inside the caller's transaction, waits for its turn, writes its ledger entries and tells every process.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from appliance.database.connection import current_connection, read_connection
from appliance.database.identifiers import uuid7s
from appliance.database.patterns import like_pattern
from appliance.identity import effective, events, memberships
from appliance.identity.changes import announce_all, record, take_turn
from appliance.identity.errors import GroupUnknownError
from appliance.identity.memberships import Moved, Newcomer
from appliance.identity.queries import has_owner
from appliance.identity.records import GroupFilter, Source
from appliance.identity.rules import shown
from appliance.ledger.records import Actor, LedgerEntry
from appliance.ledger.service import append_all

NAME_MAX: Final = 400
_UPSERT: Final = """
INSERT INTO identity_group (id, source, key, name, is_gone)
SELECT n.id, $1, n.key, n.name, false FROM unnest($2::uuid[], $3::text[], $4::text[]) AS n(id, key, name)
ON CONFLICT (source, key) DO UPDATE SET name = excluded.name, is_gone = false
  WHERE identity_group.name <> excluded.name OR identity_group.is_gone
RETURNING (xmax = 0) AS is_new
"""
_GO: Final = """
WITH gone AS (SELECT g.id, g.id IN (SELECT x.identity_group FROM group_grant x)
    OR g.id IN (SELECT unnest(a.groups) FROM external_account a WHERE a.source = $1) AS is_kept
  FROM identity_group g WHERE g.source = $1 AND NOT g.is_gone AND g.key <> ALL($2)),
deleted AS (DELETE FROM identity_group g USING gone WHERE g.id = gone.id AND NOT gone.is_kept),
marked AS (UPDATE identity_group g SET is_gone = true FROM gone WHERE g.id = gone.id AND gone.is_kept)
SELECT count(*) FROM gone
"""
_GROUPS: Final = """
SELECT g.id, g.source, g.key, g.name, g.is_gone, coalesce(m.members, 0) AS members
FROM identity_group g LEFT JOIN (
  SELECT u.id, count(*) AS members FROM external_account a CROSS JOIN LATERAL unnest(a.groups) AS u(id) GROUP BY u.id
) m ON m.id = g.id
"""
# Members are counted for the rows of the page alone.
_PAGE: Final = """
WHERE ($1 = '' OR g.name ILIKE $1 OR g.key = $2) AND ($3 = '' OR g.source = $3)
  AND (NOT $4 OR EXISTS (SELECT FROM group_grant x WHERE x.identity_group = g.id))
  AND ($5::uuid IS NULL OR (g.source, g.name, g.id) >
    (SELECT c.source, c.name, c.id FROM identity_group c WHERE c.id = $5))
ORDER BY g.source, g.name, g.id LIMIT $6
"""
_LIST: Final = f"""
WITH page AS MATERIALIZED (SELECT g.* FROM identity_group g {_PAGE})
SELECT g.id, g.source, g.key, g.name, g.is_gone, coalesce(m.members, 0) AS members FROM page g LEFT JOIN (
  SELECT u.id, count(*) AS members FROM external_account a CROSS JOIN LATERAL unnest(a.groups) AS u(id)
  WHERE u.id IN (SELECT id FROM page) GROUP BY u.id
) m ON m.id = g.id
ORDER BY g.source, g.name, g.id
"""  # noqa: S608 - constants
_IS_THERE: Final = "SELECT true FROM identity_group WHERE id = $1"
_CALLED: Final = "WHERE g.id::text = $1 OR g.key = $1 OR g.name = $1 OR g.source || '/' || g.name = $1 ORDER BY g.id"
_SHARED_NAMES: Final = """
SELECT name FROM identity_group WHERE source = $1 AND NOT is_gone GROUP BY name HAVING count(*) > 1 ORDER BY name
"""
# Memberships that made somebody owner who could come in now: one of them is put back if no owner is left.
_OWNERS: Final = f"""
SELECT r.account, r.identity_group, p.id AS person FROM unnest($1::uuid[], $2::uuid[]) AS r(account, identity_group)
JOIN group_grant g ON g.identity_group = r.identity_group AND g.role = 'owner' AND g.project = ''
JOIN external_account a ON a.id = r.account AND NOT a.is_disabled
JOIN person p ON p.id = a.person AND {effective.CAN_COME_IN}
ORDER BY p.created_at, p.id, r.identity_group LIMIT 1
"""  # noqa: S608 - constants


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A group of a source.

    Attributes:
        is_gone: the source has it no more; it is kept for what was granted to it.
    """

    id: UUID
    source: Source
    key: str
    name: str
    is_gone: bool
    members: int


class GroupChange(msgspec.Struct, frozen=True, kw_only=True):
    """What changed.

    Attributes:
        groups_added, groups_renamed, groups_gone: numbers of groups.
        joined, left: numbers of memberships.
        people: how many people's memberships changed.
        spared: person whose membership was kept, because nobody else could come in as owner.
    """

    groups_added: int = 0
    groups_renamed: int = 0
    groups_gone: int = 0
    joined: int = 0
    left: int = 0
    people: int = 0
    spared: UUID | None = None


async def groups_of(source: Source) -> tuple[Group, ...]:
    """Every group of a source, by name."""
    async with read_connection() as connection:
        rows = await connection.fetch(_GROUPS + "WHERE g.source = $1 ORDER BY g.name, g.id", str(source))
    return tuple(group_of(row) for row in rows)


async def shared_names(source: Source) -> tuple[str, ...]:
    """Names that several groups of the source have, and by which policies therefore see none of them."""
    async with read_connection() as connection:
        rows = await connection.fetch(_SHARED_NAMES, str(source))
    return tuple(row["name"] for row in rows)


async def find_groups(wanted: GroupFilter) -> tuple[Group, ...]:
    """Groups that match, by source and name, at most `wanted.limit`; members are counted for these alone.

    Raises:
        GroupUnknownError: no group has the identifier `wanted.after`.
    """
    async with read_connection() as connection:
        if wanted.after and not await connection.fetchval(_IS_THERE, wanted.after):
            raise GroupUnknownError
        rows = await connection.fetch(
            _LIST,
            like_pattern(wanted.text),
            wanted.text,
            wanted.source,
            wanted.is_granted,
            wanted.after,
            wanted.limit,
        )
    return tuple(group_of(row) for row in rows)


async def groups_called(text: str) -> tuple[Group, ...]:
    """Groups of this identifier or this source and name, else of this key or name."""
    async with read_connection() as connection:
        rows = await connection.fetch(_GROUPS + _CALLED, text)
    groups = tuple(group_of(row) for row in rows)
    exact = tuple(group for group in groups if text in {str(group.id), f"{group.source}/{group.name}"})
    return exact or groups


async def members_of(source: Source) -> dict[str, frozenset[str]]:
    """Account key to the keys of its groups, of every account that is in any."""
    async with read_connection() as connection:
        named = await connection.fetch("SELECT id, key FROM identity_group WHERE source = $1", str(source))
        rows = await connection.fetch(
            "SELECT key, groups FROM external_account WHERE source = $1 AND groups <> '{}'", str(source)
        )
    keys = {row["id"]: row["key"] for row in named}
    return {row["key"]: frozenset([keys[each] for each in row["groups"]]) for row in rows}


async def replace_groups(
    actor: Actor,
    source: Source,
    groups: Mapping[str, str],
    members: Mapping[str, frozenset[str]],
    now: datetime,
    *,
    is_complete: bool,
    newcomers: Collection[Newcomer] = (),
) -> GroupChange:
    """Take over what a source tells of groups (key to name) and members (account key to all groups, nested resolved).

    A complete telling is all there is: other groups are gone, other accounts in none. Otherwise only the accounts in
    `members` change, and no group goes. Keys without an account or a group are passed over. `newcomers` were
    provisioned in this transaction together with their groups.
    """
    await take_turn()
    upserted = await current_connection().fetch(
        _UPSERT,
        str(source),
        uuid7s(len(groups)),
        list(groups),
        [stored_name(key, n) for key, n in groups.items()],
    )
    joined, left = await memberships.move(source, members, newcomers, is_complete=is_complete)
    spared = await _spare_owner(actor, source, left, now)
    if spared is not None:
        left = [each for each in left if each.keep(spared["account"], spared["identity_group"])]
    gone = await current_connection().fetchval(_GO, str(source), list(groups)) if is_complete else 0
    change = GroupChange(
        groups_added=sum(row["is_new"] for row in upserted),
        groups_renamed=sum(not row["is_new"] for row in upserted),
        groups_gone=gone,
        joined=sum(each.memberships for each in joined),
        left=sum(each.memberships for each in left),
        people=len({each.person for each in (*joined, *left)}),
        spared=spared["person"] if spared else None,
    )
    await _record(actor, source, change, joined, left, now)
    return change


async def set_members(
    actor: Actor, source: Source, groups: Mapping[str, str], members: Mapping[str, frozenset[str]], now: datetime
) -> GroupChange:
    """The same for these accounts alone, as at a sign-in."""
    return await replace_groups(actor, source, groups, members, now, is_complete=False)


async def remove_group(actor: Actor, source: Source, key: str, now: datetime) -> GroupChange:
    """One group of the source is no more; its members leave it."""
    members = {account: keys - {key} for account, keys in (await members_of(source)).items() if key in keys}
    change = await replace_groups(actor, source, {}, members, now, is_complete=False)
    kept = [group.key for group in await groups_of(source) if group.key != key]
    return msgspec.structs.replace(change, groups_gone=await keep_groups(actor, source, kept, now))


async def keep_groups(actor: Actor, source: Source, keys: Collection[str], now: datetime) -> int:
    """The source has these groups and no others; how many are gone. Whoever was in one has left it before."""
    await take_turn()
    gone: int = await current_connection().fetchval(_GO, str(source), list(keys))
    if gone:
        facts = {"source": str(source), "groups_gone": gone}
        await record(actor, events.GROUPS_CHANGED, f"source:{source}", now, facts=facts)
    return gone


def group_of(row: Any) -> Group:  # noqa: ANN401 - asyncpg.Record has no types
    """The record of a row of `_GROUPS`."""
    return Group(**{**dict(row), "source": Source.of(row["source"])})


def stored_name(key: str, name: str) -> str:
    """What a group is called here; by its key, if its source calls it nothing that can be shown."""
    return shown(name, NAME_MAX).strip() or key


async def _spare_owner(actor: Actor, source: Source, left: list[Moved], now: datetime) -> Any:  # noqa: ANN401 - a row
    """Put back the membership that made the last owner, and give it; None if an owner is left or none was lost."""
    if not left or await has_owner():
        return None
    connection = current_connection()
    lost = [(each.account, group) for each in left for group in each.granted]
    row = await connection.fetchrow(_OWNERS, [account for account, _ in lost], [group for _, group in lost])
    if row is None:
        return None
    await memberships.put_back(row["account"], row["identity_group"])
    is_fresh = await connection.fetchval(
        "UPDATE external_account SET spared_at = $2 WHERE id = $1 AND spared_at IS NULL RETURNING true",
        row["account"],
        now,
    )
    if is_fresh:
        facts = {"source": str(source), "change": "leave_group", "group": str(row["identity_group"])}
        await record(actor, events.PERSON_SPARED, f"person:{row['person']}", now, facts=facts)
    return row


async def _record(
    actor: Actor, source: Source, change: GroupChange, joined: list[Moved], left: list[Moved], now: datetime
) -> None:
    """One entry with the numbers, and one for each person whose rights change by it."""
    if not (joined or left or change.groups_added or change.groups_renamed or change.groups_gone):
        return
    numbers = {name: value for name, value in msgspec.structs.asdict(change).items() if name != "spared" and value}
    await record(actor, events.GROUPS_CHANGED, f"source:{source}", now, facts={"source": str(source), **numbers})
    gained, lost = _by_person(joined), _by_person(left)
    entries = [
        LedgerEntry(
            event=events.GROUP_MEMBER_CHANGED,
            actor=actor,
            subject=f"person:{person}",
            facts={"source": str(source), "joined": gained.get(person, []), "left": lost.get(person, [])},
        )
        for person in sorted(gained.keys() | lost.keys())
    ]
    await append_all(entries, now=now)
    await announce_all({each.person for each in (*joined, *left)})


def _by_person(moved: list[Moved]) -> dict[UUID, list[str]]:
    """The identifiers of the groups with grants, by person."""
    found: dict[UUID, list[str]] = {}
    for each in moved:
        if each.granted:
            found.setdefault(each.person, []).extend(map(str, sorted(each.granted)))
    return found
