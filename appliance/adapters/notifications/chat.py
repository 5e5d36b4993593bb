"""Slack and Teams by their incoming webhooks: plain text and a link; nothing can be decided from a chat."""

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
        """Post the text, which may be an agent's, as plain text, and the link.

        Raises:
            SendError: not taken.
        """
        link = f"<{message.url}|Open>"
        blocks = [
            _section({"type": "plain_text", "text": message.title, "emoji": False}),
            _section({"type": "plain_text", "text": message.body, "emoji": False}),
            _section({"type": "mrkdwn", "text": link, "verbatim": True}),
        ]
        # The text stands where blocks do not, in previews: it is marked up, so nothing of an agent's goes there.
        told = {"text": f"{message.title} {link}", "blocks": blocks}
        await self._poster.post(target.address["url"], msgspec.json.encode(told), _JSON, _judge)


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
                _plain({"type": "TextRun", "weight": "Bolder", "text": message.title}),
                _plain({"type": "TextRun", "text": message.body}),
            ],
            "actions": [{"type": "Action.OpenUrl", "title": "Open", "url": message.url}],
        }
        told = {"type": "message", "attachments": [{"contentType": _CARD, "content": card}]}
        await self._poster.post(target.address["url"], msgspec.json.encode(told), _JSON, _judge)


def _section(text: dict[str, Any]) -> dict[str, Any]:
    """A block of Slack's (https://docs.slack.dev/reference/block-kit/blocks/section-block)."""
    return {"type": "section", "text": text}


def _plain(run: dict[str, Any]) -> dict[str, Any]:
    """A block of a card whose text is no Markdown (https://adaptivecards.io/explorer/RichTextBlock.html)."""
    return {"type": "RichTextBlock", "inlines": [run]}


def _judge(status: int) -> Failure:
    return Failure.NEVER if status in _NEVER else Failure.LATER
