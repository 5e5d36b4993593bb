"""What must happen between a restore and the first request: what came after the restored moment must not count."""

from collections.abc import Awaitable, Callable
from datetime import datetime

import msgspec

from appliance.backups import events
from appliance.backups.restoring import Plan
from appliance.database.connection import current_connection
from appliance.database.transaction import transaction
from appliance.ledger.records import Actor, LedgerEntry
from appliance.ledger.service import append

Replay = Callable[[], Awaitable[int]]


class Aftermath(msgspec.Struct, frozen=True, kw_only=True):
    """How many sessions, open asks and one-time links were ended, and how many erasures were done again."""

    sessions: int
    asks: int
    links: int
    erased: int


async def nothing_to_replay() -> int:
    """For an installation that has never erased anybody."""
    return 0


async def settle(plan: Plan, actor: Actor, now: datetime, replay_erasures: Replay) -> Aftermath:
    """End sessions, open asks and one-time links, erase again who was erased, and record the restore; all or nothing.

    Some of the sessions may have been revoked after the restored moment, and asks answered: nobody can tell any more.
    """
    async with transaction():
        connection = current_connection()
        erased = await replay_erasures()
        sessions = await connection.fetch("DELETE FROM session RETURNING id")
        links = await connection.fetch("DELETE FROM sign_up_link RETURNING id")
        # Overdue now: the scheduler's first run ends them with an entry of each.
        asks = await connection.fetch(
            "UPDATE ask SET expires_at = $1 WHERE state IN ('pending', 'allowed') AND expires_at > $1 RETURNING id", now
        )
        done = Aftermath(sessions=len(sessions), asks=len(asks), links=len(links), erased=erased)
        last = plan.chain[-1]
        facts = {
            "backup": last.id, "backup_ended_at": last.ended_at.isoformat(), **plan.target.settings(),
            **msgspec.structs.asdict(done),
        }  # fmt: skip
        await append(LedgerEntry(event=events.RESTORED, actor=actor, subject=f"backup:{last.id}", facts=facts), now=now)
    return done
