"""The stream that tells apps to look again."""

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Final

import msgspec
from litestar import Request, get

from appliance.approvals.news import OPENED, TOPIC
from appliance.bootstrap import MACHINES, Road
from appliance.clock import utc_now
from appliance.database.identifiers import uuid7
from appliance.identity.records import MachineReader
from appliance.identity.streams import Stream
from server.api.clients.callers import calling_machine
from server.authentication import carried_token, machine_of
from server.authorization import requires_client
from server.contract import speaks
from server.dashboard.dependencies import AnyRequest
from server.streams import EventStream, Frames

_SCHEMA: Final = "2026-07-27.client-sync.v1"


class Sync(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """That something changed; apps fetch their state anew whatever it says."""

    id: str
    kind: str
    occurred_at: datetime
    schema_version: str = _SCHEMA


class MachineStream(EventStream):
    """The stream of a machine, by its own token: it hears of its own asks, and ends when the token is dead."""

    def _subscription(self, road: Road, request: Request[Any, Any, Any]) -> AbstractContextManager[Stream]:
        machine = machine_of(request)
        if machine is None:
            raise TypeError("a machine's stream is a machine's")
        self._tokens, (token, _) = road.tokens, carried_token(request, "")
        self._token = token or ""
        topics = self._frames.topics | {MACHINES}
        return road.feed.subscribed(MachineReader(machine.machine_id), topics, holder=machine.machine_id)

    async def _goes_on(self) -> bool:
        return await self._tokens.authenticate(self._token) is not None


@get("/v1/client/events", guards=[speaks("clientEvents"), requires_client], tags=["Apps"], sync_to_thread=False)
def stream_events(request: AnyRequest) -> EventStream:
    """Server-sent events named `sync`: one to begin with, one for each change, a comment every 20 seconds.

    The stream ends with the session or the machine's token. Its content says no more than that something changed.
    """
    return (MachineStream if calling_machine(request) else EventStream)(request, _FRAMES)


def _greeting() -> bytes:
    """Lets the app catch up with what it missed."""
    return _frame("activity.created")


def _changed(topics: frozenset[str]) -> bytes:
    if OPENED in topics:
        return _frame("interaction.created")
    return _frame("interaction.resolved") if TOPIC in topics else b": looked\n\n"


def _frame(kind: str) -> bytes:
    """One event; line feeds alone, and a blank line at the end, which desktops wait for."""
    data = msgspec.json.encode(Sync(id=str(uuid7()), kind=kind, occurred_at=utc_now()))
    return b"event: sync\ndata: " + data + b"\n\n"


# Each event costs an app up to three requests, so nothing else is told: asks that open, end, or are let go.
_FRAMES: Final = Frames(frozenset({TOPIC, OPENED}), _greeting, _changed)
handlers = [stream_events]
