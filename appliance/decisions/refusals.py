"""Calls that were refused before anybody knew whose they were: counted, and put into the ledger once in a while."""

from collections import Counter

from appliance.clock import Clock
from appliance.database.transaction import transaction
from appliance.decisions import events
from appliance.ledger.records import Actor, ActorKind, LedgerEntry
from appliance.ledger.service import append

_NOBODY = Actor(kind=ActorKind.ANONYMOUS, id="anonymous")


class Refusals:
    """One entry per interval and reason, not per call: strangers must not be able to fill the ledger."""

    def __init__(self, clock: Clock) -> None:
        """Nothing refused yet."""
        self._clock = clock
        self._counts: Counter[str] = Counter()

    def count(self, reason: str) -> None:
        """Remember a refusal: `token`, `version` or `rate`."""
        self._counts[reason] += 1

    async def flush(self) -> None:
        """Write what was counted since the last flush."""
        counts, self._counts = self._counts, Counter()
        if not counts:
            return
        entry = LedgerEntry(event=events.REFUSED, actor=_NOBODY, subject="service:hooks", facts=dict(counts))
        try:
            async with transaction():
                await append(entry, now=self._clock())
        except BaseException:
            self._counts += counts
            raise
