"""A message to send by any channel, and whether it was taken."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from appliance.adapters.notifications.post import Poster
from appliance.notifications.ports import Failure, Sender, SendError
from appliance.notifications.records import Kind, Message, Severity, Target

ASK = UUID("019a0000-0000-7000-8000-000000000001")
MESSAGE = Message(
    id="019a0000-0000-7000-8000-00000000000f",
    tag=ASK,
    kind=Kind.ASK_OPENED,
    url=f"https://leash.example.org/approvals/{ASK}",
    title="An agent waits for an answer",
    body="Open the page to read it.",
    severity=Severity.NORMAL,
    occurred_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
    seconds_left=600,
)


def target(**address: Any) -> Target:  # noqa: ANN401 - the fields of any channel
    """Where it goes."""
    return Target(destination=UUID(int=5), address=address)


def inside(url: str) -> Poster:
    """A way out that may go to this server alone, which lies on this machine."""
    return Poster(private_hosts=(urlsplit(url).netloc,))


async def failure_of(sender: Sender, to: Target, message: Message = MESSAGE) -> Failure:
    """Why it was not taken."""
    with pytest.raises(SendError) as refused:
        await sender.send(to, message)
    return refused.value.failure
