"""Notifications of this installation, as pages, commands and the scheduler are handed them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from appliance.database.connection import read_connection
from appliance.database.transaction import transaction
from appliance.ledger.records import Actor
from appliance.notifications import log
from appliance.notifications.addresses import Addresses
from appliance.notifications.dispatch import Dispatcher
from appliance.notifications.errors import AddressUnknownError, ChannelOffError, WebhookUnknownError
from appliance.notifications.outbox import tell
from appliance.notifications.recipients import MAIL_SERVER
from appliance.notifications.records import Channel, Kind, Notice
from appliance.notifications.webhooks import Webhooks

_TEST_KEPT: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Notifications:
    """Everything that can be done with notifications.

    Attributes:
        vapid_key: gives the public key that browsers subscribe with (RFC 8292), as base64url.
        is_mail_on: there is a mail server.
        webhook_hours, log_days: see the settings of [notifications].
    """

    addresses: Addresses
    webhooks: Webhooks
    dispatcher: Dispatcher
    vapid_key: Callable[[], str]
    is_mail_on: bool
    webhook_hours: int
    log_days: int

    async def test_own(self, person: UUID, address: UUID | None, now: datetime) -> None:
        """Send a test to one address of a person; None is their mail.

        Raises:
            AddressUnknownError: it is not theirs.
            ChannelOffError: there is no mail server.
        """
        if address is None and not self.is_mail_on:
            raise ChannelOffError
        if address is not None and address not in {each.id for each in await self.addresses.list_own(person)}:
            raise AddressUnknownError
        await _test(person, address or MAIL_SERVER, now)

    async def test_webhook(self, webhook: UUID, now: datetime) -> None:
        """Send a test to a webhook or chat.

        Raises:
            WebhookUnknownError: there is none.
        """
        async with read_connection() as connection:
            found = await connection.fetchval("SELECT 1 FROM notification_webhook WHERE id = $1", webhook)
        if found is None:
            raise WebhookUnknownError
        await _test(None, webhook, now)

    async def replay(self, actor: Actor, delivery: UUID, now: datetime) -> None:
        """Send a dead letter on its way again.

        Raises:
            DeliveryUnknownError: there is no such dead letter.
        """
        await log.replay(actor, delivery, self.webhook_hours, now)

    def channels(self) -> tuple[Channel, ...]:
        """What a person can choose here."""
        chosen = [each for each in (Channel.WEB_PUSH, Channel.NTFY) if self.addresses.is_on(each)]
        return (*chosen, Channel.EMAIL) if self.is_mail_on else tuple(chosen)


async def _test(person: UUID | None, destination: UUID, now: datetime) -> None:
    async with transaction():
        await tell(
            Notice(kind=Kind.TEST, person=person, destination=destination, created_at=now, expires_at=now + _TEST_KEPT)
        )
