"""What coverage needs of others."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol

from appliance.agents.coverage.records import Covered, LastHook

# The newest decided hook of each agent on each machine between two moments; the decisions have them.
HookSource = Callable[[datetime, datetime], Awaitable[Sequence[LastHook]]]


class CoverageAlarm(Protocol):
    """Tells people that an agent has become tampered with or silent."""

    async def tell(self, found: Covered) -> None:
        """Called in the transaction that notes the state, so that an outbox commits with it.

        The entry in the ledger and the sentence on the Overview are there in any case; a failure here keeps the
        state unnoted, and it is told again.
        """


class NoCoverageAlarm:
    """For an installation that has no way to notify: ledger, Overview and the coverage page are all there is."""

    async def tell(self, found: Covered) -> None:
        """Nothing."""
