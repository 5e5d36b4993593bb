"""Notifications and their channels; an adapter is imported when its channel is first used."""

import os
import random
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from appliance.adapters.outbound.urls import host_of
from appliance.clock import Clock
from appliance.config import Config
from appliance.identity.queries import people_by_ids
from appliance.identity.sealing import KeyedHash, Sealer, derive
from appliance.keys import KeyRing
from appliance.notifications.addresses import Addresses
from appliance.notifications.claims import Claimed
from appliance.notifications.dispatch import Dispatcher
from appliance.notifications.planning import Planner
from appliance.notifications.ports import AddressCheck, Sender
from appliance.notifications.records import SHARED, Channel
from appliance.notifications.service import Notifications
from appliance.notifications.webhooks import Webhooks


def notifications_of(config: Config, keys: KeyRing, clock: Clock) -> Notifications:
    """Notifications as the configuration wants them."""
    settings, key = config.notifications, keys.derive("notifications")
    sealer = Sealer(derive(key, "seal"), os.urandom)
    checks = _checks(config)
    addresses = Addresses(sealer, KeyedHash(derive(key, "fingerprint")), checks)
    webhooks = Webhooks(sealer, partial(host_of, private_hosts=settings.private_hosts), os.urandom)
    is_mail_on = bool(config.smtp.host)

    async def opened(claimed: Claimed) -> Mapping[str, Any] | None:
        if claimed.channel in SHARED:
            return await webhooks.open(claimed.destination, clock())
        if claimed.channel is not Channel.EMAIL:
            return await addresses.open(claimed.destination)
        people = await people_by_ids([claimed.person]) if claimed.person else ()
        return {"email": people[0].email} if people and people[0].email else None

    return Notifications(
        addresses=addresses,
        webhooks=webhooks,
        dispatcher=Dispatcher(
            Planner(
                is_mail_on=is_mail_on,
                asks_per_hour=settings.asks_per_hour,
                webhook_hours=settings.webhook_hours,
            ),
            _senders(config, derive(key, "vapid")),
            opened,
            clock,
            origin=config.public_origin,
            is_summary_sent=settings.content == "summary",
            attempts_max=settings.attempts_max,
            random=random.random,
        ),
        vapid_key=partial(_vapid_key, derive(key, "vapid")),
        is_mail_on=is_mail_on,
        webhook_hours=settings.webhook_hours,
        log_days=settings.log_days,
    )


def _checks(config: Config) -> dict[Channel, AddressCheck]:
    """For each personal channel that is on, the check of its addresses."""
    settings = config.notifications
    listed = {Channel.WEB_PUSH: settings.web_push_hosts, Channel.NTFY: settings.ntfy_hosts}
    return {
        channel: partial(host_of, private_hosts=settings.private_hosts, hosts=hosts)
        for channel, hosts in listed.items()
        if hosts
    }


def _vapid_key(secret: bytes) -> str:
    from appliance.adapters.notifications.vapid import public_text  # noqa: PLC0415 - where somebody subscribes

    return public_text(secret)


def _senders(config: Config, vapid_secret: bytes) -> Callable[[Channel], Sender]:
    """Makes the way out of each channel once, when something is to be sent by it."""
    made: dict[Channel, Sender] = {}

    def sender(channel: Channel) -> Sender:
        if channel not in made:
            made[channel] = _sender(config, vapid_secret, channel)
        return made[channel]

    return sender


def _sender(config: Config, vapid_secret: bytes, channel: Channel) -> Sender:
    # Imported here: httpx takes 6 MB, and most installations use one or two of these.
    if channel is Channel.EMAIL:
        from appliance.adapters.notifications.mail import Mail  # noqa: PLC0415

        return Mail(config.smtp, config.public_origin)
    from appliance.adapters.notifications.post import Poster  # noqa: PLC0415

    settings = config.notifications
    poster = Poster(private_hosts=settings.private_hosts, ca_file=settings.ca_file)
    if channel is Channel.WEB_PUSH:
        from appliance.adapters.notifications.web_push import WebPush  # noqa: PLC0415

        subject = f"mailto:{settings.contact}" if settings.contact else config.public_origin
        return WebPush(poster, vapid_secret, subject)
    from appliance.adapters.notifications import chat, ntfy, webhook  # noqa: PLC0415

    if channel is Channel.NTFY:
        return ntfy.Ntfy(poster)
    if channel is Channel.WEBHOOK:
        return webhook.Webhook(poster)
    return chat.Slack(poster) if channel is Channel.SLACK else chat.Teams(poster)
