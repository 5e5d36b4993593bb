"""Where people can be reached besides their e-mail: browsers' subscriptions and topics, sealed."""

import base64
import binascii
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from appliance.database.connection import current_connection, read_connection
from appliance.database.identifiers import uuid7
from appliance.database.transaction import transaction
from appliance.identity.errors import SealBrokenError
from appliance.identity.rules import shown
from appliance.identity.sealing import KeyedHash, Sealer
from appliance.ledger.records import Actor, LedgerEntry
from appliance.ledger.service import append
from appliance.notifications import events
from appliance.notifications.errors import (
    AddressRefusedError,
    AddressUnknownError,
    ChannelOffError,
    TooManyAddressesError,
)
from appliance.notifications.ports import AddressCheck, SealedOtherwiseError
from appliance.notifications.records import Channel, OwnAddress

ADDRESSES_MAX: Final = 20
LABEL_MAX: Final = 100
TOKEN_MAX: Final = 200
_POINT_BYTES: Final = 65  # RFC 8291 3.1: an uncompressed point of P-256
_AUTH_BYTES: Final = 16
_ADD: Final = """
INSERT INTO notification_address (id, person, channel, label, sealed, fingerprint, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (person, fingerprint) DO NOTHING RETURNING id
"""
_LIST: Final = """
SELECT a.id, a.channel, a.label, a.created_at, d.last_ok_at, d.blocked_until, coalesce(d.last_problem, '') AS
  last_problem
FROM notification_address a LEFT JOIN notification_destination d ON d.id = a.id WHERE a.person = $1 ORDER BY a.id
"""


class Addresses:
    """The personal channels of everybody."""

    def __init__(self, sealer: Sealer, fingerprints: KeyedHash, checks: dict[Channel, AddressCheck]) -> None:
        """`checks` has a check of addresses for each channel that is on."""
        self._sealer = sealer
        self._fingerprints = fingerprints
        self._checks = checks

    def is_on(self, channel: Channel) -> bool:
        """Whether people can choose the channel here."""
        return channel in self._checks

    async def list_own(self, person: UUID) -> tuple[OwnAddress, ...]:
        """A person's addresses, the oldest first."""
        async with read_connection() as connection:
            rows = await connection.fetch(_LIST, person)
        return tuple(OwnAddress(**{**dict(row), "channel": Channel(row["channel"])}) for row in rows)

    async def subscribe(
        self, actor: Actor, person: UUID, *, endpoint: str, p256dh: str, auth: str, label: str, now: datetime
    ) -> UUID:
        """Keep a browser's push subscription (RFC 8030, RFC 8291); one that is there already is left as it was.

        Raises:
            ChannelOffError: the installation sends no Web Push.
            AddressRefusedError: endpoint or keys cannot be used.
            TooManyAddressesError: the person has as many as are kept.
        """
        host = self._host(Channel.WEB_PUSH, endpoint)
        if len(_decoded(p256dh)) != _POINT_BYTES or len(_decoded(auth)) != _AUTH_BYTES:
            raise AddressRefusedError("The subscription's keys are not those of RFC 8291")
        fields = {"url": endpoint, "p256dh": p256dh, "auth": auth}
        return await self._keep(actor, person, Channel.WEB_PUSH, fields, label or host, now)

    async def add_topic(self, actor: Actor, person: UUID, *, url: str, token: str, label: str, now: datetime) -> UUID:
        """Keep the address of an ntfy or UnifiedPush topic; `token` is the topic's own, or empty.

        Raises:
            ChannelOffError, AddressRefusedError, TooManyAddressesError: as for `subscribe`.
        """
        host = self._host(Channel.NTFY, url)
        if len(token) > TOKEN_MAX or not (token.isascii() and token.isprintable()) or " " in token:
            raise AddressRefusedError("The topic's token holds characters that no token has")
        return await self._keep(actor, person, Channel.NTFY, {"url": url, "token": token}, label or host, now)

    def _host(self, channel: Channel, url: str) -> str:
        if channel not in self._checks:
            raise ChannelOffError
        try:
            return self._checks[channel](url)
        except ValueError as problem:
            raise AddressRefusedError(f"The address {problem}") from problem

    async def _keep(
        self, actor: Actor, person: UUID, channel: Channel, fields: dict[str, str], label: str, now: datetime
    ) -> UUID:
        identifier, fingerprint = uuid7(), self._fingerprints.of(channel, fields["url"])
        sealed = self._sealer.seal(msgspec.json.encode(fields).decode(), f"address:{identifier}")
        async with transaction():
            connection = current_connection()
            await connection.execute("SELECT 1 FROM person WHERE id = $1 FOR NO KEY UPDATE", person)
            count = "SELECT count(*) FROM notification_address WHERE person = $1 AND fingerprint <> $2"
            if await connection.fetchval(count, person, fingerprint) >= ADDRESSES_MAX:
                raise TooManyAddressesError
            # A browser that subscribed again has new keys for the same address.
            again = "DELETE FROM notification_address WHERE person = $1 AND fingerprint = $2 RETURNING id"
            before = await connection.fetchval(again, person, fingerprint)
            added = await connection.fetchval(
                _ADD, identifier, person, channel.value, shown(label, LABEL_MAX), sealed, fingerprint, now
            )
            if before is None:
                await _record(actor, events.ADDRESS_ADDED, added, person, channel, now)
        return identifier

    async def remove(self, actor: Actor, person: UUID, address: UUID, now: datetime) -> None:
        """Forget one of the person's addresses.

        Raises:
            AddressUnknownError: it is not one of theirs.
        """
        async with transaction():
            row = await current_connection().fetchrow(
                "DELETE FROM notification_address WHERE id = $1 AND person = $2 RETURNING channel", address, person
            )
            if row is None:
                raise AddressUnknownError
            await _record(actor, events.ADDRESS_REMOVED, address, person, Channel(row["channel"]), now)

    async def unsubscribe(self, actor: Actor, person: UUID, endpoint: str, now: datetime) -> None:
        """Forget a browser's subscription by its endpoint, which is all that a browser knows of it.

        Raises:
            AddressUnknownError: the person has no such subscription.
        """
        async with read_connection() as connection:
            found = await connection.fetchval(
                "SELECT id FROM notification_address WHERE person = $1 AND fingerprint = $2",
                person,
                self._fingerprints.of(Channel.WEB_PUSH, endpoint),
            )
        if found is None:
            raise AddressUnknownError
        await self.remove(actor, person, found, now)

    async def open(self, address: UUID) -> dict[str, Any] | None:
        """The fields of an address for its channel; None if it was removed.

        Raises:
            SealedOtherwiseError: they were sealed with another key.
        """
        async with read_connection() as connection:
            sealed = await connection.fetchval("SELECT sealed FROM notification_address WHERE id = $1", address)
        if sealed is None:
            return None
        try:
            return msgspec.json.decode(self._sealer.open(sealed, f"address:{address}"), type=dict[str, Any])
        except SealBrokenError as problem:
            raise SealedOtherwiseError from problem


async def forget_gone(actor: Actor, address: UUID, now: datetime) -> None:
    """Inside the running transaction: forget an address of which its service says that it does not exist."""
    row = await current_connection().fetchrow(
        "DELETE FROM notification_address WHERE id = $1 RETURNING person, channel", address
    )
    if row is not None:
        await _record(actor, events.ADDRESS_GONE, address, row["person"], Channel(row["channel"]), now)


async def _record(actor: Actor, event: str, address: UUID, person: UUID, channel: Channel, now: datetime) -> None:
    facts = {"person": str(person), "channel": channel.value}
    entry = LedgerEntry(event=event, actor=actor, subject=f"notification_address:{address}", facts=facts)
    await append(entry, now=now)


def _decoded(text: str) -> bytes:
    """The bytes of base64url with or without padding; empty for anything else."""
    try:
        return base64.b64decode(text.encode().rstrip(b"=") + b"=" * (-len(text.rstrip("=")) % 4), b"-_", validate=True)
    except (ValueError, binascii.Error):
        return b""
