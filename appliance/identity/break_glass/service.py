"""The owner behind glass as the rest of the product is handed them: sealing, breaking the glass, and telling of it."""

from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from appliance.database.connection import current_connection
from appliance.database.transaction import transaction
from appliance.identity.allowance import network_of
from appliance.identity.break_glass import events, queries, sealing, unsealing
from appliance.identity.break_glass.errors import ConfirmationRefusedError, UnsealRefusedError
from appliance.identity.break_glass.ports import Alarm
from appliance.identity.break_glass.records import Notice, Sheet, Status, Unsealed, Waiting
from appliance.identity.changes import NOBODY, announce, personal_of, record, recorded_refusals
from appliance.identity.errors import SignInBusyError
from appliance.identity.records import NewSession, Origin
from appliance.identity.sealing import RandomBytes
from appliance.identity.service import Identity
from appliance.identity.throttle import Attempt
from appliance.ledger.records import Actor, ActorKind

log = structlog.get_logger(__name__)
_KNOWN_FOR: Final = timedelta(seconds=2)
_SYSTEM: Final = Actor(kind=ActorKind.SYSTEM, id="break_glass")
_ENDED: Final = """
UPDATE sealed_owner o SET opened_at = NULL, open_until = NULL, session = NULL
WHERE open_until IS NOT NULL AND (open_until <= $1 OR NOT EXISTS (SELECT FROM session s WHERE s.id = o.session))
RETURNING person
"""


class BreakGlass:
    """The one owner of this installation who waits behind glass."""

    def __init__(self, identity: Identity, *, people: int, alarm: Alarm, random_bytes: RandomBytes) -> None:
        """`people`: how many must take part, one or two."""
        self._identity = identity
        self._people = people
        self._alarm = alarm
        self._random_bytes = random_bytes
        self._seen_at: datetime | None = None
        self._open_until: datetime | None = None

    async def status(self, now: datetime) -> Status | None:
        """How it stands; None if nobody is behind glass."""
        return await queries.status(now)

    async def waiting(self, now: datetime) -> tuple[Waiting, ...]:
        """Unsealings under way."""
        return await queries.waiting(now)

    async def open_until(self, now: datetime) -> datetime | None:
        """The end of the session that is open now, for the banner of every page; at most two seconds old."""
        if self._seen_at is None or not self._seen_at <= now < self._seen_at + _KNOWN_FOR:
            self._open_until, self._seen_at = await queries.open_until(now), now
        until = self._open_until
        return until if until is not None and until > now else None

    async def seal(self, actor: Actor, email: object, now: datetime) -> Sheet:
        """Put an owner behind glass; see `sealing.seal`."""
        sheet = await sealing.seal(actor, email, self._identity.passwords, self._random_bytes, now)
        self._forget()
        return sheet

    async def remove(self, actor: Actor, now: datetime) -> None:
        """Take the owner from behind the glass; see `sealing.remove`."""
        await sealing.remove(actor, now)
        self._forget()

    async def unseal(self, actor: Actor, *, password: object, token: object, origin: Origin, now: datetime) -> Unsealed:
        """Break the glass with what stands on the sheet.

        Attempts are counted by caller alone: the sheet holds 280 random bits, and nobody shall be able to shut the
        last way in for everybody by guessing. The operator on the machine is not counted.

        Raises:
            UnsealRefusedError: the caller does not learn why.
            SignInThrottledError: too many failures; nothing was checked.
            SignInBusyError: too many passwords wait already.
        """
        attempt = await self._attempt(actor, origin, now)
        try:
            owner = await unsealing.check_sheet(password, token, self._identity.passwords)
        except SignInBusyError:
            if attempt is not None:
                await self._identity.throttle.give_back(attempt, has_succeeded=False)
            raise
        except unsealing.SheetRefusedError as refused:
            await self._tell_of_refusal(refused, origin, now)
            raise UnsealRefusedError from refused
        async with transaction():
            begun = await unsealing.begin(owner, actor, self._people, origin, self._random_bytes, now)
            if attempt is not None:
                await self._identity.throttle.give_back(attempt, has_succeeded=True)
        await self._tell(events.BREAK_GLASS_BEGUN, "Somebody has the sheet of the owner behind glass.", now)
        return begun

    async def confirm(self, actor: Actor, waiting: UUID, now: datetime) -> None:
        """Let an unsealing go on, as the second person; see `unsealing.confirm`."""
        async with self._recorded(actor, "confirm_unsealing", now), transaction():
            await unsealing.confirm(actor, waiting, now)
        await self._tell(events.BREAK_GLASS_CONFIRMED, "A second person has confirmed the unsealing.", now)

    async def stop(self, actor: Actor, waiting: UUID, now: datetime) -> None:
        """End an unsealing, as the second person; see `unsealing.stop`."""
        async with self._recorded(actor, "stop_unsealing", now), transaction():
            await unsealing.stop(actor, waiting, now)
        await self._tell(events.BREAK_GLASS_STOPPED, "A second person has stopped the unsealing.", now)

    async def open_session(
        self, token: object, origin: Origin, now: datetime, previous_token: str | None = None
    ) -> NewSession:
        """The session of the owner behind glass; see `unsealing.open_session`."""
        async with transaction():
            session = await unsealing.open_session(token, self._identity.sessions, origin, now, previous_token)
        self._forget()
        said = f"The owner behind glass is signed in until {session.expires_at:%Y-%m-%d %H:%M} UTC."
        await self._tell(events.BREAK_GLASS_OPENED, said, now)
        return session

    async def close_ended(self, now: datetime) -> None:
        """Note that the session is over, by its time or by hand; until a new sheet is made nothing opens."""
        async with transaction():
            rows = await current_connection().fetch(_ENDED, now)
            for row in rows:
                await current_connection().execute("DELETE FROM session WHERE person = $1", row["person"])
                await record(_SYSTEM, events.BREAK_GLASS_CLOSED, f"person:{row['person']}", now)
                await announce(row["person"])
            await current_connection().execute("DELETE FROM unsealing WHERE expires_at <= $1", now)
        if rows:
            self._forget()
            await self._tell(events.BREAK_GLASS_CLOSED, "The owner behind glass is out; make a new sheet.", now)

    async def _attempt(self, actor: Actor, origin: Origin, now: datetime) -> Attempt | None:
        if actor.kind is ActorKind.OPERATOR:
            return None
        attempt = self._identity.throttle.attempt(f"break_glass:{network_of(origin.address)}", origin)
        await self._identity.throttle.take(attempt, now)
        return attempt

    async def _tell_of_refusal(self, refused: unsealing.SheetRefusedError, origin: Origin, now: datetime) -> None:
        subject = f"person:{refused.person}" if refused.person else "service:break_glass"
        facts, personal = {"cause": refused.cause.value}, personal_of(origin)
        async with transaction():
            await record(NOBODY, events.BREAK_GLASS_REFUSED, subject, now, facts=facts, personal=personal)
        if refused.person is not None:  # where nobody is behind glass, there is nothing to be afraid for
            await self._tell(events.BREAK_GLASS_REFUSED, "Somebody tried to break the glass and failed.", now)

    async def _tell(self, event: str, said: str, now: datetime) -> None:
        """Be loud in the log and outside; what is in the ledger already stands, whatever becomes of this."""
        log.warning(event, said=said)
        try:
            await self._alarm.tell(Notice(event=event, said=said, at=now))
        except Exception:
            log.exception("break_glass.alarm_failed", about=event)

    @staticmethod
    def _recorded(actor: Actor, change: str, now: datetime) -> AbstractAsyncContextManager[None]:
        return recorded_refusals(actor, change, "service:break_glass", now, ConfirmationRefusedError)

    def _forget(self) -> None:
        self._seen_at = None
        self._identity.sessions.forget()
