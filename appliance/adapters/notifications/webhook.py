"""Signed webhooks, as Standard Webhooks writes them: an identifier, a time, and HMAC-SHA256 over both and the body."""

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from appliance.adapters.notifications.post import Poster
from appliance.notifications.ports import Failure
from appliance.notifications.records import Message, Target

PREFIX: Final = "whsec_"
_GONE: Final = 410


class Webhook:
    """The port `Sender` over the organisation's own programs."""

    def __init__(self, poster: Poster, *, seconds: Callable[[], float] = time.time) -> None:
        """`seconds` tells the time, which is part of what is signed."""
        self._poster = poster
        self._seconds = seconds

    async def send(self, target: Target, message: Message) -> None:
        """Post the event, signed by every secret that is valid now.

        Raises:
            SendError: not taken with a 2xx.
        """
        told = {
            "type": message.kind.value,
            "timestamp": message.occurred_at.isoformat(timespec="milliseconds"),
            "data": {
                "id": str(message.tag),
                "url": message.url,
                "severity": message.severity.value,
                "title": message.title,
                "body": message.body,
            },
        }
        body, stamp = msgspec.json.encode(told), int(self._seconds())
        headers = {
            "content-type": "application/json",
            "webhook-id": message.id,
            "webhook-timestamp": str(stamp),
            "webhook-signature": signatures(target.address["secrets"], message.id, stamp, body),
        }
        await self._poster.post(target.address["url"], body, headers, _judge)


def signatures(secrets: Iterable[str], identifier: str, stamp: int, body: bytes) -> str:
    """The header of every signature: `v1,` and base64 for each secret, separated by spaces."""
    signed = f"{identifier}.{stamp}.".encode() + body
    return " ".join(f"v1,{base64.b64encode(_signature(secret, signed)).decode()}" for secret in secrets)


def _signature(secret: str, signed: bytes) -> bytes:
    return hmac.digest(base64.b64decode(secret.removeprefix(PREFIX)), signed, hashlib.sha256)


def _judge(status: int) -> Failure:
    return Failure.NEVER if status == _GONE else Failure.LATER
