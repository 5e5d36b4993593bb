"""Tells an open page what has changed, as server-sent events: the name of a topic and nothing else."""

from typing import Final

from litestar import get

from server.authorization import requires_sign_in
from server.dashboard.dependencies import AnyRequest
from server.streams import EventStream, Frames, retry

TOPICS: Final = ("approvals", "agents", "policies", "directories")


@get("/live", guards=[requires_sign_in], include_in_schema=False, sync_to_thread=False)
def live(request: AnyRequest) -> EventStream:
    """One event per topic that changed and concerns the reader; a comment as heartbeat; ends with the session."""
    return EventStream(request, _FRAMES)


def _greeting() -> bytes:
    """Every topic: the page may have missed changes while it was away."""
    return retry() + b"".join(b"event: %s\ndata: connected\n\n" % topic.encode() for topic in TOPICS)


def _changed(topics: frozenset[str]) -> bytes:
    return b"".join(b"event: %s\ndata: changed\n\n" % topic.encode() for topic in sorted(topics))


_FRAMES: Final = Frames(frozenset(TOPICS), _greeting, _changed)
handlers = [live]
