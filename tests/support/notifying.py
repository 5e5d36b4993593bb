"""People, channels and a clock for notifications; the way out remembers what it was given, or fails as it is told."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from appliance.approvals.service import Approvals
from appliance.database.connection import current_connection, read_connection
from appliance.database.identifiers import uuid7
from appliance.database.transaction import transaction
from appliance.identity.records import Role
from appliance.identity.sealing import KeyedHash, Sealer
from appliance.notifications.addresses import Addresses
from appliance.notifications.claims import Claimed
from appliance.notifications.dispatch import Dispatcher
from appliance.notifications.notices import AskNotices
from appliance.notifications.planning import Planner
from appliance.notifications.ports import Sender, SendError
from appliance.notifications.records import SHARED, Channel, Message, Target
from appliance.notifications.webhooks import Webhooks
from tests.support.asks import KEY
from tests.support.decisions import NOON
from tests.support.people import OPERATOR

ORIGIN = "https://leash.example.org"


def takes_everything(url: str) -> str:
    """A check of addresses that has nothing against any."""
    assert url
    return "push.example.net"


class Outside:
    """Every channel at once: what was sent, and what fails from now on."""

    def __init__(self) -> None:
        """Everything is taken."""
        self.sent: list[tuple[UUID, Message]] = []
        self.broken: dict[UUID, SendError | asyncio.Event] = {}

    async def send(self, target: Target, message: Message) -> None:
        """Take the message, or fail for this destination, or hang until the event is set."""
        broken = self.broken.get(target.destination)
        if isinstance(broken, asyncio.Event):
            await broken.wait()
        elif broken is not None:
            raise broken
        self.sent.append((target.destination, message))

    async def heard(self, destination: UUID, times: int = 1) -> None:
        """Return once the destination was told so often."""

        async def is_told() -> bool:
            return len(self.kinds(destination)) >= times

        await until(is_told)

    def kinds(self, destination: UUID | None = None) -> list[str]:
        """The kinds that were sent, in their order."""
        return [message.kind.value for to, message in self.sent if destination in {None, to}]


class Telling:
    """Notifications on a clock that a test turns."""

    def __init__(
        self, *, asks_per_hour: int = 20, attempts_max: int = 3, is_summary_sent: bool = False, key: bytes = b"s"
    ) -> None:
        """No mail server; the other channels take every address, which 32 times the byte `key` seals."""
        self.now = NOON
        self.outside = Outside()
        sealer = Sealer(key * 32, os.urandom)
        self.addresses = Addresses(sealer, KeyedHash(b"f" * 32), dict.fromkeys(Channel, takes_everything))
        self.webhooks = Webhooks(sealer, takes_everything, os.urandom)
        self.planner = Planner(is_mail_on=False, asks_per_hour=asks_per_hour, webhook_hours=24)
        self.approvals = Approvals(KEY, AskNotices(), mask=str)
        self.dispatcher = self.dispatcher_with(self.outside, attempts_max, is_summary_sent=is_summary_sent)

    def dispatcher_with(self, sender: Sender, attempts_max: int = 3, *, is_summary_sent: bool = False) -> Dispatcher:
        """Another process that sends."""
        return Dispatcher(
            self.planner, lambda _channel: sender, self._open, lambda: self.now, origin=ORIGIN,
            is_summary_sent=is_summary_sent, attempts_max=attempts_max, random=lambda: 0.5,
        )  # fmt: skip

    async def _open(self, claimed: Claimed) -> Mapping[str, Any] | None:
        if claimed.channel in SHARED:
            return await self.webhooks.open(claimed.destination, self.now)
        return await self.addresses.open(claimed.destination)

    async def phone(self, person: UUID) -> UUID:
        """A browser of the person that is subscribed."""
        return await self.addresses.subscribe(
            OPERATOR, person, endpoint=f"https://push.example.net/{uuid7()}", p256dh="B" + "A" * 86,
            auth="A" * 22, label="phone", now=self.now,
        )  # fmt: skip

    async def webhook(self, *kinds: str) -> UUID:
        """A program that is told of these kinds, or of everything."""
        made = await self.webhooks.add(
            OPERATOR, name="alerts", channel="webhook", url="https://alerts.example.net/", kinds=kinds, now=self.now
        )
        return made.webhook

    async def after(self, **passed: float) -> None:
        """Let time pass, then send what is due."""
        self.now += timedelta(**passed)
        await self.dispatcher.run()


async def somebody(*roles: Role, email: str = "", can_come_in: bool = True) -> UUID:
    """A person with these roles, by the shortest way."""
    person = uuid7()
    async with transaction():
        connection = current_connection()
        await connection.execute(
            "INSERT INTO person (id, display_name, email, is_disabled, disabled_by, is_sealed, created_at) "
            "VALUES ($1, $2, $3, $4, '', false, $5)",
            person, f"Person {person}", email or f"{person}@example.org", not can_come_in, NOON,
        )  # fmt: skip
        for role in roles:
            await connection.execute(
                "INSERT INTO person_role (id, person, role) VALUES ($1, $2, $3)", uuid7(), person, role.value
            )
        await connection.execute(
            "INSERT INTO local_credential (id, person, password_hash, totp_sealed, totp_last_step, created_at) "
            "VALUES ($1, $2, 'x', ''::bytea, 0, $3)",
            uuid7(), person, NOON,
        )  # fmt: skip
    return person


async def log_lines() -> list[tuple[str, UUID | None, str, str, datetime, str]]:
    """Kind, person, channel, state, due time and outcome of every delivery, in the order in which they are due."""
    async with read_connection() as connection:
        rows = await connection.fetch(
            "SELECT kind, person, channel, state, due_at, outcome FROM notification_delivery ORDER BY due_at, id"
        )
    return [tuple(row) for row in rows]


async def states() -> list[str]:
    """The state of every delivery, sorted."""
    return sorted(state for _, _, _, state, _, _ in await log_lines())


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = 10) -> None:
    """Return as soon as something holds; TimeoutError if it never does."""
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110 - what is waited for is in the database, or in another task
            await asyncio.sleep(0.02)
