"""ntfy and UnifiedPush: a POST to the topic that a person has chosen; the server reads what it carries.

The body alone is the message of UnifiedPush, whose servers take 4,096 bytes and pass over headers that they do not
know. What is ntfy's own, title, link and urgency, stands in headers.
"""

from typing import Final

from appliance.adapters.notifications.post import Poster
from appliance.notifications.ports import Failure
from appliance.notifications.records import Message, Severity, Target

_NEVER: Final = frozenset({404, 410, 413})


class Ntfy:
    """The port `Sender` over topics (https://docs.ntfy.sh/publish, UnifiedPush server specification)."""

    def __init__(self, poster: Poster) -> None:
        """`poster` is the way out."""
        self._poster = poster

    async def send(self, target: Target, message: Message) -> None:
        """Publish the message with its link.

        Raises:
            SendError: not taken.
        """
        headers = {
            "content-type": "text/plain; charset=utf-8",
            "title": message.title,
            "click": message.url,
            "priority": "high" if message.severity is Severity.HIGH else "default",
            "tags": message.kind.value,
            "ttl": str(message.seconds_left),  # UnifiedPush speaks Web Push's headers
            "x-leash-id": message.id,
        }
        if token := target.address.get("token"):
            headers["authorization"] = f"Bearer {token}"
        await self._poster.post(target.address["url"], message.body.encode(), headers, _judge)


def _judge(status: int) -> Failure:
    return Failure.NEVER if status in _NEVER else Failure.LATER
