"""Whether this process can decide: what is looked at, and what is wrong."""

import asyncio
import time
from collections.abc import Mapping
from typing import Final

import structlog

from appliance.bootstrap import Appliance, Road
from appliance.database.connection import UNREACHABLE
from appliance.database.errors import DatabaseError
from appliance.ledger.queries import count_unsealed, newest_checkpoint

SEAL_LAG_SECONDS: Final = 60.0
_QUERY_SECONDS: Final = 2.0
_REMEMBERED_SECONDS: Final = 0.1
log = structlog.get_logger("server")


class Readiness:
    """Looks at everything that a decision needs; an answer holds for a moment, however often it is asked for."""

    def __init__(self, appliance: Appliance, road: Road) -> None:
        """Nothing has been looked at yet."""
        self._appliance = appliance
        self._road = road
        self._asking = asyncio.Lock()
        self._known: Mapping[str, str] = {}
        self._known_until = 0.0
        self._sealed = 0
        self._unsealed_since: float | None = None

    async def checks(self) -> Mapping[str, str]:
        """Each thing that was looked at: `ok`, or what is wrong in a few words."""
        async with self._asking:
            if time.monotonic() >= self._known_until:
                database, sealer = await self._of_database()
                listener = "ok" if self._road.listener.is_listening else "does not hear other processes"
                self._known = {
                    "database": database,
                    "policies": self._appliance.policies.problem or "ok",
                    "writer": "ok" if self._road.writer.is_healthy else "decisions cannot be recorded",
                    "listener": listener,
                    "sealer": sealer,
                }
                self._known_until = time.monotonic() + _REMEMBERED_SECONDS
            return self._known

    async def _of_database(self) -> tuple[str, str]:
        try:
            async with asyncio.timeout(_QUERY_SECONDS):
                unsealed, checkpoint = await count_unsealed(), await newest_checkpoint()
        except (*UNREACHABLE, DatabaseError) as problem:
            log.warning("health.database", problem=f"{type(problem).__name__}: {problem}")
            return "does not answer", "not known"
        return "ok", self._lag(unsealed, checkpoint.tree_size if checkpoint else 0)

    def _lag(self, unsealed: int, sealed: int) -> str:
        """How long entries have waited while the tree did not grow."""
        now = time.monotonic()
        if not unsealed:
            self._unsealed_since = None
        elif self._unsealed_since is None or sealed != self._sealed:
            self._unsealed_since = now
        self._sealed = sealed
        waited = now - self._unsealed_since if self._unsealed_since is not None else 0.0
        return "ok" if waited <= SEAL_LAG_SECONDS else f"{unsealed} ledger entries wait since {waited:.0f} s"
