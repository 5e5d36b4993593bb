"""The order in which the holders of a role or approver group are told, where somebody has set one."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from appliance.database.connection import current_connection, read_connection
from appliance.database.identifiers import uuid7
from appliance.database.transaction import transaction
from appliance.identity.queries import people_by_ids
from appliance.identity.records import Role
from appliance.identity.scopes import is_approver_group
from appliance.ledger.records import Actor, LedgerEntry
from appliance.ledger.service import append
from appliance.notifications import events
from appliance.notifications.errors import OnCallRefusedError

PLACES_MAX: Final = 50


async def orders(roles: Collection[str] | None = None) -> dict[str, tuple[UUID, ...]]:
    """Role or approver group -> people in their order; of these roles, or of all."""
    async with read_connection() as connection:
        rows = await connection.fetch(
            "SELECT role, person FROM notification_on_call WHERE $1::text[] IS NULL OR role = ANY($1) "
            "ORDER BY role, place",
            None if roles is None else sorted(roles),
        )
    found: dict[str, tuple[UUID, ...]] = {}
    for row in rows:
        found[row["role"]] = (*found.get(row["role"], ()), row["person"])
    return found


async def set_order(actor: Actor, role: str, people: Sequence[UUID], now: datetime) -> None:
    """Put another order in place of the one that the role or group has; an empty one ends it.

    Raises:
        OnCallRefusedError: no role or group, somebody twice, somebody unknown, or too many.
    """
    if role not in set(Role) and not is_approver_group(role):
        raise OnCallRefusedError(f"{role!r:.100} is neither a role nor an approver group such as group:payments")
    if len(set(people)) < len(people) or len(people) > PLACES_MAX:
        raise OnCallRefusedError(f"An order has each person once, and at most {PLACES_MAX}")
    async with transaction():
        if len(await people_by_ids(people)) < len(people):
            raise OnCallRefusedError("Somebody in the order is not known")
        connection = current_connection()
        await connection.execute("DELETE FROM notification_on_call WHERE role = $1", role)
        await connection.executemany(
            "INSERT INTO notification_on_call (id, role, place, person) VALUES ($1, $2, $3, $4)",
            [(uuid7(), role, place, person) for place, person in enumerate(people)],
        )
        facts = {"people": [str(person) for person in people]}
        entry = LedgerEntry(event=events.ON_CALL_CHANGED, actor=actor, subject=f"role:{role}", facts=facts)
        await append(entry, now=now)
