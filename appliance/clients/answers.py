"""What becomes of an answer that a machine sends."""

from datetime import datetime
from typing import NoReturn
from uuid import UUID

from appliance.approvals import events
from appliance.approvals.records import Resolution
from appliance.clients.errors import MachineMayNotAnswerError
from appliance.database.transaction import transaction
from appliance.ledger.records import Actor, ActorKind, LedgerEntry
from appliance.ledger.service import append


async def refuse_machine(machine_id: UUID, ask_id: UUID, resolution: Resolution, now: datetime) -> NoReturn:
    """Refuse it, and put that into the ledger: whoever holds an agent's token could be the agent itself.

    Raises:
        MachineMayNotAnswerError: always.
    """
    refusal = MachineMayNotAnswerError()
    entry = LedgerEntry(
        event=events.REFUSED,
        actor=Actor(kind=ActorKind.MACHINE, id=str(machine_id)),
        subject=f"ask:{ask_id}",
        facts={"code": refusal.code, "resolution": resolution.value},
    )
    async with transaction():
        await append(entry, now=now)
    raise refusal
