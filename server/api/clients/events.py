"""The stream that tells apps to look again."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final

import msgspec
from litestar import get
from litestar.response import Stream

from appliance.database.identifiers import uuid7
from server.api.clients.callers import calling_machine, person_of
from server.authentication import authentication_of, carried_token, session_cookie_name
from server.authorization import requires_client
from server.contract import speaks
from server.dashboard.dependencies import AnyRequest, now_of, road_of

HEARTBEAT: Final = b": still here\n\n"
_SCHEMA: Final = "2026-07-27.client-sync.v1"
# Topics of the feed that change what apps show, with the kind of event that they are told as.
_KINDS: Final = {"approvals": "interaction.created", "agents": "activity.created"}
_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Sync(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """That something changed; apps fetch their state anew whatever it says."""

    id: str
    kind: str
    occurred_at: datetime
    schema_version: str = _SCHEMA


@get("/v1/client/events", guards=[speaks("clientEvents"), requires_client], tags=["Apps"])
async def stream_events(request: AnyRequest) -> Stream:
    """Server-sent events named `sync`: one to begin with, one for each change, a comment every 20 seconds.

    The stream ends with the session or the machine's token.
    """
    person_of(request)
    return Stream(_frames(request), media_type="text/event-stream; charset=utf-8", headers=_HEADERS)


async def _frames(request: AnyRequest) -> AsyncIterator[bytes]:
    yield _frame("activity.created", now_of(request))
    async for topics in road_of(request).feed.listen():
        if not await _is_live(request):
            return
        kinds = [kind for topic, kind in _KINDS.items() if topic in topics]
        if kinds:
            yield _frame(kinds[0], now_of(request))
        elif not topics:
            yield HEARTBEAT


def _frame(kind: str, now: datetime) -> bytes:
    """One event; line feeds alone, and a blank line at the end, which desktops wait for."""
    data = msgspec.json.encode(Sync(id=str(uuid7()), kind=kind, occurred_at=now))
    return b"event: sync\ndata: " + data + b"\n\n"


async def _is_live(request: AnyRequest) -> bool:
    """Whether what opened the stream may still be used; an open stream alone keeps a session from no idleness."""
    ours = authentication_of(request)
    token, _ = carried_token(request, session_cookie_name(ours.instance))
    if calling_machine(request) is not None:
        return await road_of(request).tokens.authenticate(token or "") is not None
    return await ours.identity.sessions.is_live(token, now_of(request))


handlers = [stream_events]
