"""Slack and Teams by their incoming webhooks: one line and a link; nothing can be decided from a chat."""

from typing import Any, Final

import msgspec

from appliance.adapters.notifications.post import Poster
from appliance.notifications.ports import Failure
from appliance.notifications.records import Message, Target

_JSON: Final = {"content-type": "application/json"}
_CARD: Final = "application/vnd.microsoft.card.adaptive"
_NEVER: Final = frozenset({400, 403, 404, 410})


class Slack:
    """The port `Sender` over Slack's incoming webhooks."""

    def __init__(self, poster: Poster) -> None:
        """`poster` is the way out."""
        self._poster = poster

    async def send(self, target: Target, message: Message) -> None:
        """Post the line.

        Raises:
            SendError: not taken.
        """
        text = f"{_escaped(message.title)}. {_escaped(message.body)} <{message.url}|Open>"
        await self._poster.post(target.address["url"], msgspec.json.encode({"text": text}), _JSON, _judge)


class Teams:
    """The port `Sender` over the webhooks of Teams' workflows, which take an adaptive card."""

    def __init__(self, poster: Poster) -> None:
        """`poster` is the way out."""
        self._poster = poster

    async def send(self, target: Target, message: Message) -> None:
        """Post the card, whose only button opens the page.

        Raises:
            SendError: not taken.
        """
        card: dict[str, Any] = {
            "type": "AdaptiveCard",
            "version": "1.4",
            "body": [
                {"type": "TextBlock", "weight": "Bolder", "text": message.title, "wrap": True},
                {"type": "TextBlock", "text": message.body, "wrap": True},
            ],
            "actions": [{"type": "Action.OpenUrl", "title": "Open", "url": message.url}],
        }
        told = {"type": "message", "attachments": [{"contentType": _CARD, "content": card}]}
        await self._poster.post(target.address["url"], msgspec.json.encode(told), _JSON, _judge)


def _escaped(text: str) -> str:
    """Text in which Slack finds no link and nobody to mention."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _judge(status: int) -> Failure:
    return Failure.NEVER if status in _NEVER else Failure.LATER
