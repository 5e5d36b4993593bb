"""Tells an open page what has changed, as server-sent events: the name of a topic and nothing else."""

from collections.abc import AsyncIterator
from typing import Final

from litestar import get
from litestar.response import ServerSentEvent, ServerSentEventMessage

from appliance.feed import Feed
from server.authentication import authentication_of, carried_token, session_cookie_name
from server.authorization import requires_sign_in
from server.dashboard.dependencies import AnyRequest, now_of, road_of

# On connecting, a page hears of every topic: it may have missed changes while it was away.
TOPICS: Final = ("approvals", "agents", "policies")


@get("/live", guards=[requires_sign_in], include_in_schema=False, sync_to_thread=False)
def live(request: AnyRequest) -> ServerSentEvent:
    """One event per topic that changed; a comment as heartbeat; ends with the session."""
    return ServerSentEvent(_events(request, road_of(request).feed), headers={"X-Accel-Buffering": "no"})


async def _events(request: AnyRequest, feed: Feed) -> AsyncIterator[ServerSentEventMessage]:
    for topic in TOPICS:
        yield ServerSentEventMessage(event=topic, data="connected", retry=2000)
    async for topics in feed.listen():
        if not await _is_live(request):
            return
        if not topics:
            yield ServerSentEventMessage(comment="still here")
        for topic in sorted(topics):
            yield ServerSentEventMessage(event=topic, data="changed")


async def _is_live(request: AnyRequest) -> bool:
    """Whether the session that opened the stream may still be used; an open page alone keeps it from no idleness."""
    ours = authentication_of(request)
    token, _ = carried_token(request, session_cookie_name(ours.instance))
    return await ours.identity.sessions.is_live(token, now_of(request))


handlers = [live]
