"""Refusals at the door of the service, before any feature was asked."""

from datetime import datetime, timedelta
from typing import Final

import msgspec

from appliance.database.transaction import transaction
from appliance.identity import events
from appliance.identity.changes import NOBODY, record
from appliance.identity.records import SignedIn
from appliance.identity.rules import Permission

WINDOW: Final = timedelta(minutes=1)
OF_A_PERSON: Final = 30
OF_STRANGERS: Final = 1
_MOST_WINDOWS: Final = 10_000


class _Window(msgspec.Struct):
    began_at: datetime
    recorded: int = 0
    unrecorded: int = 0


class Refusals:
    """Puts refusals into the ledger, at most so many a minute: nobody can fill it by knocking.

    Those above the limit are counted, and the next entry of the same caller says how many they were.
    """

    def __init__(self) -> None:
        """Nobody was refused yet."""
        self._windows: dict[str, _Window] = {}

    async def record_permission(
        self, signed_in: SignedIn, permission: Permission, method: str, route: str, now: datetime
    ) -> None:
        """A signed-in person's roles do not carry the permission; `route` is the route's template, never its path."""
        facts = {"permission": permission.value, "method": method, "route": route}
        await self._record(signed_in, events.PERMISSION_REFUSED, facts, now)

    async def record_request(self, signed_in: SignedIn | None, method: str, route: str, now: datetime) -> None:
        """A request that changes something did not come from one of our pages; strangers' are told together."""
        await self._record(signed_in, events.REQUEST_REFUSED, {"method": method, "route": route}, now)

    async def _record(self, signed_in: SignedIn | None, event: str, facts: dict[str, str], now: datetime) -> None:
        actor = signed_in.actor if signed_in else NOBODY
        window = self._window(actor.id, now)
        if window.recorded >= (OF_A_PERSON if signed_in else OF_STRANGERS):
            window.unrecorded += 1
            return
        window.recorded += 1
        subject = f"session:{signed_in.session_id}" if signed_in else "service:door"
        told = {**facts, "unrecorded_before": window.unrecorded} if window.unrecorded else facts
        async with transaction():
            await record(actor, event, subject, now, facts=told)
        window.unrecorded = 0

    def _window(self, caller: str, now: datetime) -> _Window:
        window = self._windows.get(caller)
        if window is None:
            if len(self._windows) >= _MOST_WINDOWS:
                self._windows.clear()
            window = self._windows[caller] = _Window(now)
        elif now - window.began_at >= WINDOW:
            window.began_at, window.recorded = now, 0
        return window
