"""Giving back what a run took, by somebody who could give all of it by hand."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from appliance.database.connection import current_connection
from appliance.identity import accounts, groups
from appliance.identity.changes import check_is_another, check_manages, is_self
from appliance.identity.directories.plans import SyncChange, What
from appliance.identity.queries import person_by_id
from appliance.identity.records import Role, Source
from appliance.ledger.records import Actor

# What is assigned to these people, what their groups are granted (also by disabled accounts, which give rights again
# once they are enabled), and what the groups are granted that are given back.
_ROLES: Final = """
SELECT r.role FROM person_role r WHERE r.person = ANY($1)
UNION SELECT x.role FROM external_account a JOIN group_grant x ON x.identity_group = ANY(a.groups)
  WHERE a.person = ANY($1)
UNION SELECT x.role FROM identity_group g JOIN group_grant x ON x.identity_group = g.id
  WHERE g.source = $2 AND g.key = ANY($3)
"""


async def check_may_give_back(actor: Actor, source: Source, changes: Collection[SyncChange]) -> None:
    """Let through whoever manages everybody to whom something is given back, with all that they then may do.

    Raises:
        RoleChangeRefusedError: somebody would be owner and the actor is none, or the actor is one of them.
    """
    keys = {change.key for change in changes if change.what is What.DISABLED or _lost(change)}
    given = frozenset().union(*(_lost(change) for change in changes))
    connection = current_connection()
    rows = await connection.fetch(
        "SELECT DISTINCT person FROM external_account WHERE source = $1 AND key = ANY($2)", str(source), list(keys)
    )
    people = [row["person"] for row in rows]
    named = {row["role"] for row in await connection.fetch(_ROLES, people, str(source), list(given))}
    await check_manages(actor, {role for role in Role if role.value in named})
    if any(is_self(actor, person_id) for person_id in people):
        check_is_another(actor, await person_by_id(UUID(actor.id)))


async def let_in_again(actor: Actor, source: Source, changes: Iterable[SyncChange], now: datetime) -> int:
    """Enable whom a run disabled; how many come back."""
    return await accounts.enable(actor, source, [each.key for each in changes if each.what is What.DISABLED], now)


async def give_groups_back(actor: Actor, source: Source, changes: Iterable[SyncChange], now: datetime) -> int:
    """Put accounts back into the groups that a run took from them; how many memberships that are."""
    lost = {change.key: _lost(change) for change in changes if _lost(change)}
    if not lost:
        return 0
    current = await groups.members_of(source)
    members = {key: current.get(key, frozenset()) | taken for key, taken in lost.items()}
    change = await groups.set_members(actor, source, {}, members, now)
    return change.joined


def _lost(change: SyncChange) -> frozenset[str]:
    """Keys of the groups that the run took."""
    return frozenset(change.before).difference(change.after)
