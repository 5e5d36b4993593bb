"""What notifications need of others: a way out per channel, and a check of addresses."""

from enum import StrEnum
from typing import Protocol

from appliance.notifications.records import Message, Target


class Failure(StrEnum):
    """What became of an attempt that did not succeed."""

    LATER = "later"  # worth another attempt, and the destination is left alone until then
    POSTPONED = "postponed"  # the same, but only this message: others may well be taken
    NEVER = "never"  # refused for good: another attempt would end the same
    GONE = "gone"  # the address does not exist any more


class SendError(Exception):
    """A message was not taken; `words` say why, without address, content and secret."""

    def __init__(self, failure: Failure, words: str) -> None:
        self.failure = failure
        self.words = words[:200]
        super().__init__(self.words)


class SealedOtherwiseError(SendError):
    """An address was sealed with another key than the installation's: nothing can be sent to it any more."""

    def __init__(self) -> None:
        super().__init__(Failure.NEVER, "sealed with another key")


class Sender(Protocol):
    """Hands messages to one channel; sending the same one twice does no harm."""

    async def send(self, target: Target, message: Message) -> None:
        """Return once the other side has taken it.

        Raises:
            SendError: it did not.
        """


class AddressCheck(Protocol):
    """Looks at an address before it is kept; where it leads is checked again each time it is used."""

    def __call__(self, url: str) -> str:
        """The host of the address.

        Raises:
            ValueError: what is wrong with it.
        """
        ...
