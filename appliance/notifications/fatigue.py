"""Keeps people from being asked more than they can judge: beyond a number within an hour they are told once."""

from collections.abc import Sequence
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
from appliance.notifications.rules import Turn

WINDOW: Final = timedelta(hours=1)
SYSTEM: Final = Actor(kind=ActorKind.SYSTEM, id="notifications")
TOO_MANY: Final = "the person is told of as many asks as one bears in an hour"
# A turn may lie ahead of its planning by as long as an ask lives; older rows need not be looked at.
_PLANNED_BEFORE: Final = timedelta(days=2)
# What was sent, is being sent, or will be; what was withdrawn before that was told to nobody.
_TOLD: Final = """
SELECT ARRAY(SELECT min(coalesce(ended_at, due_at)) FROM notification_delivery
    WHERE person = $1 AND created_at > $3 AND kind = 'ask.opened'
      AND (state IN ('sent', 'waiting') OR claimed_until IS NOT NULL)
    GROUP BY notification HAVING min(coalesce(ended_at, due_at)) > $2) AS told,
  EXISTS (SELECT FROM notification
    WHERE created_at > $2 AND kind = 'asks.many' AND person = $1) AS is_warned
"""


class _Load(msgspec.Struct):
    told: list[datetime]
    is_warned: bool


class Fatigue:
    """Counts for one plan, inside its transaction, how many asks each person is told of in an hour."""

    def __init__(self, asks_per_hour: int, now: datetime) -> None:
        """`asks_per_hour` is how many one person bears."""
        self._limit = asks_per_hour
        self._now = now
        self._loads: dict[UUID, _Load] = {}

    async def refused(self, turns: Sequence[Turn]) -> set[UUID]:
        """Whoever bears no more at their turn, of the first step with such people; they and security hear why.

        Those of later steps are not looked at: without the refused ones, their turn comes earlier.
        """
        refused, step = set[UUID](), 0
        for turn in turns:
            if refused and turn.step > step:
                break
            if turn.due_at is not None and not await self._bears(turn.person, turn.due_at):
                refused.add(turn.person)
                step = turn.step
        return refused

    async def count(self, turns: Sequence[Turn]) -> None:
        """Remember what is planned now."""
        for turn in turns:
            if turn.due_at is not None:
                (await self._load(turn.person)).told.append(turn.due_at)

    async def _bears(self, person: UUID, due_at: datetime) -> bool:
        load, begin = await self._load(person), due_at - WINDOW
        if sum(begin < told_at <= due_at for told_at in load.told) < self._limit:
            return True
        if not load.is_warned:
            load.is_warned = True
            await self._warn(person)
        return False

    async def _load(self, person: UUID) -> _Load:
        if person not in self._loads:
            async with read_connection() as connection:
                row = await connection.fetchrow(_TOLD, person, self._now - WINDOW, self._now - _PLANNED_BEFORE)
            self._loads[person] = _Load(row["told"], row["is_warned"])
        return self._loads[person]

    async def _warn(self, person: UUID) -> None:
        now, until = self._now, self._now + WINDOW
        await tell(Notice(kind=Kind.ASKS_MANY, person=person, created_at=now, expires_at=until))
        await tell(Notice(kind=Kind.ASK_FATIGUE, about=person, created_at=now, expires_at=until))
        facts = {"asks_per_hour": self._limit}
        entry = LedgerEntry(event=events.ASKS_TOO_MANY, actor=SYSTEM, subject=f"person:{person}", facts=facts)
        await append(entry, now=now)
