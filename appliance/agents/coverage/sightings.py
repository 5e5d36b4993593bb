"""What hooks say of their clients, kept in a worker's memory and written down once a minute."""

from datetime import datetime
from typing import Final
from uuid import UUID

from appliance.agents.coverage.records import LastHook
from appliance.agents.coverage.service import note_hooks
from appliance.agents.rules import VERSION_MAX, one_line
from appliance.clock import Clock

FLUSH_SECONDS: Final = 60.0
_SIGHTINGS_MAX: Final = 10_000


class Sightings:
    """The newest call of each agent on each machine since the last flush; a call costs one entry of a dictionary."""

    def __init__(self, clock: Clock) -> None:
        """Nothing seen yet."""
        self._clock = clock
        self._seen: dict[tuple[UUID, str], tuple[datetime, str]] = {}

    def note(self, machine_id: UUID, agent: str, client_version: str) -> None:
        """An authenticated call has arrived; beyond 10,000 pairs in one minute nothing new is noted."""
        key = (machine_id, agent)
        if key in self._seen or len(self._seen) < _SIGHTINGS_MAX:
            self._seen[key] = (self._clock(), client_version)

    async def flush(self) -> None:
        """Write down what was seen; if that fails, it is tried again at the next time."""
        seen, self._seen = self._seen, {}
        found = [
            LastHook(machine_id=machine_id, agent=agent, at=at, decision_id=None)
            for (machine_id, agent), (at, _version) in seen.items()
        ]
        try:
            await note_hooks(found, versions=[one_line(version, VERSION_MAX) for _at, version in seen.values()])
        except BaseException:
            self._seen = {**seen, **self._seen}
            raise
