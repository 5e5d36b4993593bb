"""Who is in which group, groups in groups included: stored as the provider tells it, and told to identity resolved.

Recursion goes over sets, so that groups which hold each other end it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from appliance.database.connection import current_connection
from appliance.database.identifiers import uuid7
from appliance.identity.groups import set_members
from appliance.identity.provisioning.errors import LastOwnerKeptError, MemberUnknownError, ValueRefusedError
from appliance.identity.provisioning.records import Caller, MemberStep

_KNOWN: Final = """
SELECT id, false AS is_group FROM scim_user WHERE provider = $1 AND id = ANY($2) AND deleted_at IS NULL
UNION ALL SELECT id, true FROM scim_group WHERE provider = $1 AND id = ANY($2)
"""
_OUT: Final = """
DELETE FROM scim_member WHERE holder = $1 AND CASE WHEN $3 THEN coalesce(user_member, group_member) <> ALL($2)
  ELSE coalesce(user_member, group_member) = ANY($2) END
RETURNING user_member, group_member
"""
_IN: Final = """
INSERT INTO scim_member (id, holder, user_member, group_member)
SELECT n.id, $1, n.user_member, n.group_member
FROM unnest($2::uuid[], $3::uuid[], $4::uuid[]) AS n(id, user_member, group_member)
ON CONFLICT DO NOTHING RETURNING user_member, group_member
"""
_BELOW: Final = """
WITH RECURSIVE below(id) AS (SELECT unnest($1::uuid[])
  UNION SELECT m.group_member FROM scim_member m JOIN below b ON b.id = m.holder WHERE m.group_member IS NOT NULL)
SELECT DISTINCT m.user_member AS id FROM scim_member m JOIN below b ON b.id = m.holder WHERE m.user_member IS NOT NULL
"""
_ABOVE: Final = """
WITH RECURSIVE above(user_id, group_id) AS (
  SELECT m.user_member, m.holder FROM scim_member m WHERE m.user_member = ANY($1)
  UNION SELECT a.user_id, m.holder FROM scim_member m JOIN above a ON a.group_id = m.group_member)
SELECT u.account_key, g.id, g.display_name FROM scim_user u
LEFT JOIN above a ON a.user_id = u.id LEFT JOIN scim_group g ON g.id = a.group_id
WHERE u.id = ANY($1)
"""


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """What a change of members did: numbers for the ledger, and whom it concerns.

    Attributes:
        users: directly put in or taken out.
        groups: the same of groups.
    """

    joined: int
    left: int
    users: frozenset[UUID]
    groups: frozenset[UUID]


async def apply_steps(caller: Caller, group_id: UUID, steps: Iterable[MemberStep]) -> Moved:
    """Change the direct members of a locked group; who is in it already, or is not, is passed over.

    Raises:
        MemberUnknownError: somebody who is put in is nobody of this provider.
        ValueRefusedError: a group in itself.
    """
    wanted, unwanted, is_whole = _folded(steps)
    if group_id in wanted:
        raise ValueRefusedError("A group cannot be a member of itself")
    connection = current_connection()
    known = {row["id"]: row["is_group"] for row in await connection.fetch(_KNOWN, caller.provider, list(wanted))}
    if unknown := sorted(wanted - known.keys()):
        raise MemberUnknownError(f"{len(unknown)} members are no users or groups of this provider, first {unknown[0]}")
    left = []
    if is_whole or unwanted:
        left = await connection.fetch(_OUT, group_id, list(wanted if is_whole else unwanted), is_whole)
    ordered = sorted(known)
    joined = await connection.fetch(
        _IN,
        group_id,
        [uuid7() for _ in ordered],
        [None if known[member] else member for member in ordered],
        [member if known[member] else None for member in ordered],
    )
    rows = (*joined, *left)
    return Moved(
        joined=len(joined),
        left=len(left),
        users=frozenset(row["user_member"] for row in rows if row["user_member"]),
        groups=frozenset(row["group_member"] for row in rows if row["group_member"]),
    )


async def users_below(groups: Collection[UUID]) -> frozenset[UUID]:
    """Everybody who is in these groups, or in a group that is in them."""
    if not groups:
        return frozenset()
    return frozenset(row["id"] for row in await current_connection().fetch(_BELOW, list(groups)))


async def tell_identity(caller: Caller, groups: dict[str, str], users: Collection[UUID], now: datetime) -> None:
    """Tell identity of these groups (key to name), and of all groups of these users.

    Raises:
        LastOwnerKeptError: somebody would lose what made them the last owner who can come in.
    """
    told, members = dict(groups), defaultdict[str, set[str]](set)
    for row in await current_connection().fetch(_ABOVE, list(users)) if users else ():
        members[row["account_key"]].update({str(row["id"])} if row["id"] else ())
        if row["id"]:
            told[str(row["id"])] = row["display_name"]
    frozen = {key: frozenset(keys) for key, keys in members.items()}
    change = await set_members(caller.actor, caller.source, told, frozen, now)
    if change.spared is not None:
        raise LastOwnerKeptError


async def touch_users(users: Collection[UUID], now: datetime) -> None:
    """A new version of users whose groups are others now, because their groups are part of what is answered."""
    await current_connection().execute(
        "UPDATE scim_user SET version = version + 1, modified_at = $2 WHERE id = ANY($1)", list(users), now
    )


def _folded(steps: Iterable[MemberStep]) -> tuple[set[UUID], set[UUID], bool]:
    """Who is in afterwards, who is out, and whether everybody else is out too."""
    wanted, unwanted, is_whole = set[UUID](), set[UUID](), False
    for step in steps:
        if step.replaces:
            wanted, unwanted, is_whole = set(step.members), set(), True
        elif step.is_removal:
            wanted -= step.members
            unwanted |= step.members
        else:
            wanted |= step.members
            unwanted -= step.members
    return wanted, unwanted, is_whole
