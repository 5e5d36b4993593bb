"""Programs and chats of the organisation that are told; addresses and secrets are sealed."""

import base64
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from appliance.database.connection import current_connection, read_connection
from appliance.database.identifiers import uuid7
from appliance.database.transaction import transaction
from appliance.identity.errors import SealBrokenError
from appliance.identity.rules import shown
from appliance.identity.sealing import RandomBytes, Sealer
from appliance.ledger.records import Actor, LedgerEntry
from appliance.ledger.service import append
from appliance.notifications import events
from appliance.notifications.errors import (
    AddressRefusedError,
    TooManyAddressesError,
    WebhookRefusedError,
    WebhookUnknownError,
)
from appliance.notifications.kinds import KINDS
from appliance.notifications.ports import AddressCheck, SealedOtherwiseError
from appliance.notifications.records import SHARED, Channel, Kind, NewSecret, Webhook

WEBHOOKS_MAX: Final = 50
NAME_MAX: Final = 100
ROTATION: Final = timedelta(hours=24)
SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - as Standard Webhooks writes secrets
_SECRET_BYTES: Final = 32
_COLUMNS: Final = """
SELECT w.id, w.name, w.channel, w.kinds, w.host, w.created_at, w.created_by, w.old_secret_until,
  d.last_ok_at, d.blocked_until, coalesce(d.last_problem, '') AS last_problem
FROM notification_webhook w LEFT JOIN notification_destination d ON d.id = w.id
"""
_ADD: Final = """
INSERT INTO notification_webhook (id, name, channel, kinds, url_sealed, host, secret_sealed, created_at, created_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
_ROTATE: Final = """
UPDATE notification_webhook SET old_secret_sealed = secret_sealed, old_secret_until = $2, secret_sealed = $3
WHERE id = $1
"""


class Webhooks:
    """The webhooks and chats of this installation."""

    def __init__(self, sealer: Sealer, check: AddressCheck, random_bytes: RandomBytes) -> None:
        """`check` looks at an address before it is kept."""
        self._sealer = sealer
        self._check = check
        self._random_bytes = random_bytes

    async def list(self) -> tuple[Webhook, ...]:
        """Every webhook, the oldest first."""
        async with read_connection() as connection:
            rows = await connection.fetch(_COLUMNS + "ORDER BY w.id")
        return tuple(_webhook(row) for row in rows)

    async def add(
        self, actor: Actor, *, name: str, channel: str, url: str, kinds: Sequence[str], now: datetime
    ) -> NewSecret:
        """Tell a program or a chat from now on; a program gets a secret that signs what it is told.

        Raises:
            WebhookRefusedError: no name, or an unknown channel or kind.
            AddressRefusedError: nothing can be sent to the address.
            TooManyAddressesError: there are as many as are kept.
        """
        prepared = shown(name.strip(), NAME_MAX)
        known = {kind.value for kind in KINDS} - {Kind.TEST.value}
        if not prepared or channel not in {each.value for each in SHARED} or not set(kinds) <= known:
            raise WebhookRefusedError
        try:
            host = self._check(url)
        except ValueError as problem:
            raise AddressRefusedError(f"The address {problem}") from problem
        identifier = uuid7()
        secret = self._new_secret() if channel == Channel.WEBHOOK else ""
        async with transaction():
            connection = current_connection()
            if await connection.fetchval("SELECT count(*) FROM notification_webhook") >= WEBHOOKS_MAX:
                raise TooManyAddressesError
            await connection.execute(
                _ADD, identifier, prepared, channel, sorted(set(kinds)), self._seal(url, "url", identifier), host,
                self._seal(secret, "secret", identifier), now, actor.id,
            )  # fmt: skip
            facts = {"channel": channel, "host": host, "kinds": sorted(set(kinds))}
            await _record(actor, events.WEBHOOK_ADDED, identifier, now, facts)
        return NewSecret(webhook=identifier, secret=secret)

    async def rotate(self, actor: Actor, webhook: UUID, now: datetime) -> NewSecret:
        """Give a webhook a new secret; for a day the old one signs as well, so that nothing is lost meanwhile.

        Raises:
            WebhookUnknownError: there is none, or it is a chat, which has no secret.
        """
        secret, until = self._new_secret(), now + ROTATION
        async with transaction():
            connection = current_connection()
            found = await connection.fetchval(
                "SELECT channel FROM notification_webhook WHERE id = $1 FOR UPDATE", webhook
            )
            if found != Channel.WEBHOOK:
                raise WebhookUnknownError
            # The place that a secret is sealed for is the webhook's, whether it is the new or the old one.
            await connection.execute(_ROTATE, webhook, until, self._seal(secret, "secret", webhook))
            await _record(actor, events.WEBHOOK_ROTATED, webhook, now, {"until": until.isoformat()})
        return NewSecret(webhook=webhook, secret=secret)

    async def remove(self, actor: Actor, webhook: UUID, now: datetime) -> None:
        """Tell a webhook nothing any more.

        Raises:
            WebhookUnknownError: there is none.
        """
        async with transaction():
            gone = await current_connection().fetchval(
                "DELETE FROM notification_webhook WHERE id = $1 RETURNING id", webhook
            )
            if gone is None:
                raise WebhookUnknownError
            await _record(actor, events.WEBHOOK_REMOVED, webhook, now, {})

    async def open(self, webhook: UUID, now: datetime) -> dict[str, Any] | None:
        """Address and secrets of a webhook, the newest first; None if it was removed.

        Raises:
            SealedOtherwiseError: they were sealed with another key.
        """
        async with read_connection() as connection:
            row = await connection.fetchrow("SELECT * FROM notification_webhook WHERE id = $1", webhook)
        if row is None:
            return None
        sealed = [row["secret_sealed"]]
        if row["old_secret_sealed"] is not None and row["old_secret_until"] > now:
            sealed.append(row["old_secret_sealed"])
        try:
            url = self._sealer.open(row["url_sealed"], f"webhook_url:{webhook}")
            secrets = [self._sealer.open(each, f"webhook_secret:{webhook}") for each in sealed]
        except SealBrokenError as problem:
            raise SealedOtherwiseError from problem
        return {"url": url, "secrets": secrets}

    def _seal(self, text: str, what: str, webhook: UUID) -> bytes:
        return self._sealer.seal(text, f"webhook_{what}:{webhook}")

    def _new_secret(self) -> str:
        return SECRET_PREFIX + base64.b64encode(self._random_bytes(_SECRET_BYTES)).decode()


def _webhook(row: Any) -> Webhook:  # noqa: ANN401 - asyncpg.Record
    return Webhook(**{**dict(row), "channel": Channel(row["channel"]), "kinds": tuple(row["kinds"])})


async def _record(actor: Actor, event: str, webhook: UUID, now: datetime, facts: dict[str, Any]) -> None:
    await append(LedgerEntry(event=event, actor=actor, subject=f"webhook:{webhook}", facts=facts), now=now)
