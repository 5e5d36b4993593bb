"""Keeps people from being asked more than they can judge: beyond a number within an hour they are told once."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from appliance.database.connection import read_connection
from appliance.ledger.records import Actor, ActorKind, LedgerEntry
from appliance.ledger.service import append
from appliance.notifications import events
from appliance.notifications.outbox import tell
from appliance.notifications.records import Kind, Notice

WINDOW: Final = timedelta(hours=1)
SYSTEM: Final = Actor(kind=ActorKind.SYSTEM, id="notifications")
_TOLD: Final = """
SELECT (SELECT count(DISTINCT notification) FROM notification_delivery
    WHERE person = $1 AND created_at > $2 AND kind = 'ask.opened' AND state <> 'unreachable') AS asks,
  EXISTS (SELECT FROM notification
    WHERE created_at > $2 AND kind = 'asks.many' AND person = $1) AS is_warned
"""


class _Load(msgspec.Struct):
    asks: int
    is_warned: bool


class Fatigue:
    """Counts for one plan, inside its transaction, how many asks each person is told of."""

    def __init__(self, asks_per_hour: int, now: datetime) -> None:
        """`asks_per_hour` is how many one person bears."""
        self._limit = asks_per_hour
        self._now = now
        self._loads: dict[UUID, _Load] = {}

    async def bears(self, person: UUID) -> bool:
        """Whether the person is told of one more; the first time that they are not, they and security hear why."""
        load = self._loads.get(person)
        if load is None:
            async with read_connection() as connection:
                row = await connection.fetchrow(_TOLD, person, self._now - WINDOW)
            load = self._loads[person] = _Load(row["asks"], row["is_warned"])
        if load.asks < self._limit:
            load.asks += 1
            return True
        if not load.is_warned:
            load.is_warned = True
            await self._warn(person)
        return False

    async def _warn(self, person: UUID) -> None:
        now, until = self._now, self._now + WINDOW
        await tell(Notice(kind=Kind.ASKS_MANY, person=person, created_at=now, expires_at=until))
        await tell(Notice(kind=Kind.ASK_FATIGUE, about=person, created_at=now, expires_at=until))
        facts = {"asks_per_hour": self._limit}
        entry = LedgerEntry(event=events.ASKS_TOO_MANY, actor=SYSTEM, subject=f"person:{person}", facts=facts)
        await append(entry, now=now)
