"""What hooks say of their clients, kept in a worker's memory and written down at most once a minute."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from appliance.agents.coverage.records import LastHook
from appliance.agents.coverage.service import note_hooks
from appliance.agents.rules import VERSION_MAX, one_line
from appliance.clock import Clock

FLUSH_SECONDS: Final = 10.0
_INTERVAL: Final = timedelta(minutes=1)
_SIGHTINGS_MAX: Final = 10_000
_Pair = tuple[UUID, str]
_Sighting = tuple[datetime, str]


class Sightings:
    """The newest call of each agent on each machine; a call costs a look into two dictionaries.

    The first call and one of another client are written down with the next flush, all others once a minute.
    """

    def __init__(self, clock: Clock) -> None:
        """Nothing seen yet."""
        self._clock = clock
        self._seen: dict[_Pair, _Sighting] = {}
        self._written: dict[_Pair, _Sighting] = {}

    def note(self, machine_id: UUID, agent: str, client_version: str) -> None:
        """An authenticated call has arrived; beyond 10,000 pairs between two flushes nothing new is noted."""
        key, now = (machine_id, agent), self._clock()
        written = self._written.get(key)
        if written is not None and written[1] == client_version and now - written[0] < _INTERVAL:
            return
        if key in self._seen or len(self._seen) < _SIGHTINGS_MAX:
            self._seen[key] = (now, client_version)

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
        if len(self._written) + len(seen) > _SIGHTINGS_MAX:
            self._written.clear()
        self._written |= seen
