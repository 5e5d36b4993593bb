"""What people want to hear, and when not."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from appliance.database.connection import current_connection, read_connection
from appliance.database.transaction import transaction
from appliance.ledger.records import Actor, LedgerEntry
from appliance.ledger.service import append
from appliance.notifications import events, rules
from appliance.notifications.records import Preferences

_SET: Final = """
INSERT INTO notification_preference (person, quiet_from, quiet_until, time_zone, wakes_for_high, muted)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (person) DO UPDATE SET quiet_from = excluded.quiet_from,
  quiet_until = excluded.quiet_until, time_zone = excluded.time_zone, wakes_for_high = excluded.wakes_for_high,
  muted = excluded.muted
"""


async def preferences_of(people: Collection[UUID]) -> dict[UUID, Preferences]:
    """The preferences of these people; whoever has set none wants everything at any time."""
    async with read_connection() as connection:
        rows = await connection.fetch("SELECT * FROM notification_preference WHERE person = ANY($1)", list(people))
    kept = {row["person"]: _preferences(row) for row in rows}
    return {person: kept.get(person, Preferences()) for person in people}


async def set_preferences(actor: Actor, person: UUID, wished: Preferences, now: datetime) -> Preferences:
    """Keep a person's preferences.

    Raises:
        PreferencesRefusedError: they cannot be used.
    """
    kept = rules.prepare(wished)
    async with transaction():
        await current_connection().execute(
            _SET, person, kept.quiet_from, kept.quiet_until, kept.time_zone, kept.wakes_for_high, sorted(kept.muted)
        )
        await append(LedgerEntry(event=events.PREFERENCES_CHANGED, actor=actor, subject=f"person:{person}"), now=now)
    return kept


def _preferences(row: Any) -> Preferences:  # noqa: ANN401 - asyncpg.Record
    return Preferences(
        quiet_from=row["quiet_from"],
        quiet_until=row["quiet_until"],
        time_zone=row["time_zone"],
        wakes_for_high=row["wakes_for_high"],
        muted=frozenset(row["muted"]),
    )
