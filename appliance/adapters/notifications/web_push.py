"""Web Push (RFC 8030): an encrypted message to a browser, by the push service that the browser has chosen."""

import os
import time
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from appliance.adapters.notifications.encryption import SALT_BYTES, encrypt
from appliance.adapters.notifications.post import Poster
from appliance.adapters.notifications.vapid import authorization, decoded, encoded
from appliance.notifications.ports import Failure, SendError
from appliance.notifications.records import Message, Severity, Target

VERSION: Final = 1
_GONE: Final = frozenset({404, 410})  # RFC 8030 7.3
_REFUSED: Final = frozenset({400, 401, 403, 413})


class WebPush:
    """The port `Sender` over push services."""

    def __init__(
        self, poster: Poster, secret: bytes, subject: str, *, seconds: Callable[[], float] = time.time
    ) -> None:
        """`secret` is what the key of RFC 8292 is derived from, `subject` whom services write to."""
        self._poster = poster
        self._secret = secret
        self._subject = subject
        self._seconds = seconds

    async def send(self, target: Target, message: Message) -> None:
        """Hand the message to the push service; the page's worker gets `{v, kind, id, url, title, body}`.

        Raises:
            SendError: not taken; `GONE` where the browser has given its subscription up.
        """
        url = target.address["url"]
        try:
            browser, auth = decoded(target.address["p256dh"]), decoded(target.address["auth"])
            key, salt = ec.generate_private_key(ec.SECP256R1()), os.urandom(SALT_BYTES)
            body = encrypt(_payload(message), browser, auth, key, salt)
        except ValueError as problem:
            raise SendError(Failure.GONE, "the subscription's keys cannot be used") from problem
        parts = urlsplit(url)
        headers = {
            "authorization": authorization(
                self._secret, f"{parts.scheme}://{parts.netloc}", self._subject, int(self._seconds())
            ),
            "content-encoding": "aes128gcm",
            "content-type": "application/octet-stream",
            "ttl": str(message.seconds_left),
            "urgency": "high" if message.severity is Severity.HIGH else "normal",
            "topic": encoded(message.tag.bytes),  # RFC 8030 5.4: a later message takes this one's place
        }
        await self._poster.post(url, body, headers, _judge)


def _payload(message: Message) -> bytes:
    """What the service worker reads; nothing but an address, unless summaries are sent."""
    told = {
        "v": VERSION,
        "kind": message.kind.value,
        "id": str(message.tag),
        "url": message.url,
        "title": message.title,
        "body": message.body,
    }
    return msgspec.json.encode(told)


def _judge(status: int) -> Failure:
    if status in _GONE:
        return Failure.GONE
    return Failure.NEVER if status in _REFUSED else Failure.LATER
