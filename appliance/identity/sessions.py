"""Sessions: who a token belongs to, and how sessions begin and end."""

from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
import structlog

from appliance.database.connection import current_connection, read_connection
from appliance.database.identifiers import uuid7
from appliance.database.transaction import transaction
from appliance.identity import effective, events
from appliance.identity.changes import (
    announce,
    check_manages,
    check_operates,
    is_self,
    locked_person,
    record,
    recorded_refusals,
)
from appliance.identity.errors import (
    LifetimeRefusedError,
    PersonDisabledError,
    RoleChangeRefusedError,
    SessionUnknownError,
)
from appliance.identity.queries import person_by_id, rights_of
from appliance.identity.records import Device, Limits, NewSession, Origin, Session, SessionKind, SignedIn
from appliance.identity.rules import shown
from appliance.identity.sealing import RandomBytes, hashed
from appliance.identity.session_cache import SessionCache
from appliance.identity.tokens import SESSION, hash_of, new_token
from appliance.ledger.records import Actor, ActorKind

log = structlog.get_logger(__name__)
TOUCH_SECONDS: Final = 60.0
DEVICE_NAME_MAX: Final = 100
_PLATFORM_MAX: Final = 40
_ADDRESS_MAX: Final = 64
# $2 is now, $3 and $4 the moments since when a browser's and a device's session must have been used.
_LIVE: Final = (
    "s.expires_at > $2 AND (s.kind <> 'browser' OR s.last_seen_at > $3) AND (s.kind <> 'device' OR s.last_seen_at > $4)"
)
_WHOSE: Final = f"""
SELECT s.token_hash, s.id, s.kind, s.created_at, s.last_seen_at, s.expires_at, s.stepped_up_at,
  p.id AS person_id, p.display_name, coalesce(p.email, '') AS email,
  {effective.ROLES} AS roles, {effective.SCOPED} AS scoped, {effective.GROUPS} AS groups
FROM session s JOIN person p ON p.id = s.person
WHERE s.token_hash = {{}} AND NOT p.is_disabled AND p.is_sealed = (s.kind = 'break_glass') AND {_LIVE}
"""  # noqa: S608 - two constants
_FIND: Final = _WHOSE.format("$1")
_FIND_ALL: Final = _WHOSE.format("ANY($1::bytea[])")
_LIST: Final = f"""
SELECT s.id, s.kind, s.created_at, s.last_seen_at, s.expires_at, s.user_agent, s.address,
  s.device_name, s.platform
FROM session s WHERE s.person = $1 AND {_LIVE} ORDER BY s.last_seen_at DESC, s.id DESC
"""  # noqa: S608 - see above
_BEGIN: Final = """
INSERT INTO session (id, token_hash, person, kind, created_at, last_seen_at, expires_at, user_agent, address,
  device_name, platform, stepped_up_at)
VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8, $9, $10, $11)
"""
_NAME: Final = """
UPDATE session SET device_name = coalesce(nullif(device_name, ''), $2), platform = coalesce(nullif(platform, ''), $3)
WHERE id = $1 AND kind = 'device' AND (device_name, platform) IS DISTINCT FROM
  (coalesce(nullif(device_name, ''), $2), coalesce(nullif(platform, ''), $3))
"""
_RENEW: Final = """
UPDATE session SET token_hash = $2, stepped_up_at = $3, last_seen_at = greatest(last_seen_at, $3)
WHERE id = $1 AND expires_at > $3 RETURNING person, expires_at
"""


class Sessions:
    """The sessions of this installation."""

    def __init__(self, limits: Limits, random_bytes: RandomBytes) -> None:
        """Nothing is known yet."""
        self._limits = limits
        self._random_bytes = random_bytes
        self._cache = SessionCache(limits.cache_seconds)
        self._idle = timedelta(minutes=limits.session_idle_minutes)
        self._idle_of = {
            SessionKind.BROWSER: self._idle,
            SessionKind.DEVICE: timedelta(days=limits.device_idle_days),
        }
        self._life_of = {
            SessionKind.DEVICE: timedelta(days=limits.device_days),
            SessionKind.BREAK_GLASS: timedelta(minutes=limits.break_glass_minutes),
        }
        # Written seldom, but often enough that a session in use never looks idle.
        self._touch = min(timedelta(seconds=TOUCH_SECONDS), self._idle / 4)

    def forget(self, _payload: str = "") -> None:
        """Empty this process's cache; called for every notification on queries.CHANNEL and after a lost connection."""
        self._cache.clear()

    async def authenticate(self, token: str | None, now: datetime) -> SignedIn | None:
        """Whose live session the token belongs to; None for an unknown, ended or idle one, or a disabled person."""
        token_hash = hash_of(token, SESSION)
        if token_hash is None:
            return None
        known = self._cache.get(token_hash, now)
        if known is not None:
            return known
        generation = self._cache.generation
        async with read_connection() as connection:
            row = await connection.fetchrow(_FIND, token_hash, *self._live_at(now))
        if row is None:
            return None
        signed_in = _signed_in(row)
        seen_at = await self._seen(row, now)
        ends_at = signed_in.expires_at
        if signed_in.kind in self._idle_of:
            ends_at = min(ends_at, seen_at + self._idle_of[signed_in.kind])
        self._cache.put(token_hash, signed_in, now, ends_at, generation)
        return signed_in

    async def live_among(self, tokens: Collection[str], now: datetime) -> dict[str, SignedIn]:
        """Whose each of the tokens is that is live, in one look at the database; no use of any session."""
        hashes = {found: token for token in tokens if (found := hash_of(token, SESSION))}
        async with read_connection() as connection:
            rows = await connection.fetch(_FIND_ALL, list(hashes), *self._live_at(now))
        return {hashes[row["token_hash"]]: _signed_in(row) for row in rows}

    def _live_at(self, now: datetime) -> tuple[datetime, datetime, datetime]:
        """The last parameters of `_LIVE`."""
        return now, now - self._idle_of[SessionKind.BROWSER], now - self._idle_of[SessionKind.DEVICE]

    async def _seen(self, row: Any, now: datetime) -> datetime:  # noqa: ANN401 - asyncpg.Record
        """When the session was last used according to the database, after this use."""
        last: datetime = row["last_seen_at"]
        if now - last < self._touch:
            return last
        try:
            async with transaction():
                await current_connection().execute(
                    "UPDATE session SET last_seen_at = $2 WHERE id = $1 AND last_seen_at < $2", row["id"], now
                )
        except asyncpg.PostgresError as problem:  # a full disk must not lock out whoever comes to look why
            log.warning("session.not_touched", problem=str(problem))
            return last
        return now

    async def list_own(self, person: UUID, now: datetime) -> tuple[Session, ...]:
        """A person's live sessions, the last used first."""
        async with read_connection() as connection:
            rows = await connection.fetch(_LIST, person, *self._live_at(now))
        return tuple(Session(**{**dict(row), "kind": SessionKind(row["kind"])}) for row in rows)

    async def begin(
        self,
        person: UUID,
        kind: SessionKind,
        origin: Origin,
        now: datetime,
        *,
        life: timedelta | None = None,
        device: Device | None = None,
        is_proven: bool = False,
    ) -> NewSession:
        """A new session inside the running transaction, whose ledger entry is the caller's to write.

        Args:
            person: whose it is.
            kind: what holds its token; the life depends on it.
            origin: where it begins.
            now: this moment.
            life: another one than the kind's own.
            device: what a phone or desktop calls itself.
            is_proven: a second factor of this moment stands behind it, so that it needs no step-up for a while.
        """
        token = new_token(SESSION, self._random_bytes)
        usual = self._life_of.get(kind, timedelta(minutes=self._limits.session_absolute_minutes))
        expires_at = now + (life or usual)
        session_id, named = uuid7(), device or Device()
        await current_connection().execute(
            _BEGIN, session_id, hashed(token), person, kind.value, now, expires_at,
            shown(origin.user_agent), shown(origin.address, _ADDRESS_MAX),
            shown(named.name, DEVICE_NAME_MAX), shown(named.platform, _PLATFORM_MAX), now if is_proven else None,
        )  # fmt: skip
        return NewSession(token=token, session_id=session_id, person_id=person, expires_at=expires_at)

    async def name_device(self, session_id: UUID, device: Device) -> None:
        """Inside the running transaction: keep what the session's device calls itself, where nothing is known yet."""
        await current_connection().execute(
            _NAME, session_id, shown(device.name, DEVICE_NAME_MAX), shown(device.platform, _PLATFORM_MAX)
        )

    async def create_script_session(self, actor: Actor, person_id: UUID, minutes: int, now: datetime) -> NewSession:
        """A session for a script that acts as the person.

        Raises:
            LifetimeRefusedError: not between one minute and `script_max_minutes`.
            RoleChangeRefusedError: a person asks for somebody else's session.
            PersonUnknownError, PersonDisabledError: nobody who could act.
        """
        if not 1 <= minutes <= self._limits.script_max_minutes:
            raise LifetimeRefusedError(f"Give 1 to {self._limits.script_max_minutes} minutes")
        async with _recorded(actor, "create_session", person_id, now), transaction():
            person = await locked_person(person_id)
            if not is_self(actor, person_id):
                check_operates(actor)  # acting as somebody is more than managing them: no role suffices
            if person.is_disabled or person.is_sealed:
                raise PersonDisabledError
            life = timedelta(minutes=minutes)
            session = await self.begin(person_id, SessionKind.SCRIPT, Origin(user_agent="script"), now, life=life)
            facts = {"person": str(person_id), "minutes": minutes}
            await record(actor, events.SESSION_CREATED, f"session:{session.session_id}", now, facts=facts)
        return session

    async def steps_up(self, session_id: UUID, how: str, now: datetime) -> NewSession:
        """Note that the session's person has proved again who they are; the session goes on under a new token.

        The old token is dead with the commit: whoever had copied it before is not let in by the proof.

        Args:
            session_id: the session.
            how: `totp`, `recovery_code`, `passkey`, `provider` or `directory`; for the ledger.
            now: this moment.

        Raises:
            SessionUnknownError: it has ended.
        """
        async with transaction():
            token = new_token(SESSION, self._random_bytes)
            row = await current_connection().fetchrow(_RENEW, session_id, hashed(token), now)
            if row is None:
                raise SessionUnknownError
            person = await person_by_id(row["person"])
            name = f"{person.display_name} <{person.email}>"
            actor = Actor(kind=ActorKind.PERSON, id=str(person.id), name=name)
            await record(actor, events.SESSION_STEPPED_UP, f"session:{session_id}", now, facts={"how": how})
            await announce(person.id)
        self.forget()
        return NewSession(token=token, session_id=session_id, person_id=person.id, expires_at=row["expires_at"])

    async def revoke(self, actor: Actor, person_id: UUID, session_id: UUID, now: datetime) -> None:
        """End one session of a person.

        Raises:
            SessionUnknownError: the person has no such session.
            RoleChangeRefusedError: the session is somebody's whom the actor does not manage.
        """
        async with _recorded(actor, "end_session", person_id, now), transaction():
            await _check_may_end(actor, person_id)
            if not await _end(person_id, session_id):
                raise SessionUnknownError
            facts = {"person": str(person_id)}
            await record(actor, events.SESSION_REVOKED, f"session:{session_id}", now, facts=facts)
        self.forget()

    async def revoke_all(self, actor: Actor, person_id: UUID, now: datetime) -> int:
        """End every session of a person; how many there were.

        Raises:
            PersonUnknownError: there is no such person.
            RoleChangeRefusedError: the actor does not manage the person.
        """
        async with _recorded(actor, "end_sessions", person_id, now), transaction():
            await locked_person(person_id)
            await _check_may_end(actor, person_id)
            ended = await end_sessions_of(person_id)
            if ended:
                facts = {"ended": ended}
                await record(actor, events.SESSIONS_REVOKED, f"person:{person_id}", now, facts=facts)
        self.forget()
        return ended

    async def revoke_others(self, signed_in: SignedIn, now: datetime) -> int:
        """End every session of the person but the one that the request came with; how many there were."""
        async with transaction():
            ended = await _end(signed_in.person_id, besides=signed_in.session_id)
            if ended:
                facts = {"ended": ended, "kept": str(signed_in.session_id)}
                subject = f"person:{signed_in.person_id}"
                await record(signed_in.actor, events.SESSIONS_REVOKED, subject, now, facts=facts)
        self.forget()
        return ended

    async def sign_out(self, signed_in: SignedIn, now: datetime) -> None:
        """End the session that the request came with; nothing happens if it has ended already."""
        async with transaction():
            if await _end(signed_in.person_id, signed_in.session_id):
                facts = {"person": str(signed_in.person_id)}
                await record(signed_in.actor, events.SESSION_ENDED, f"session:{signed_in.session_id}", now, facts=facts)
        self.forget()

    async def end_previous(self, token: str | None) -> UUID | None:
        """End, inside the running transaction, the session that a browser gives up by signing in anew; its id."""
        token_hash = hash_of(token, SESSION)
        row = await current_connection().fetchrow(
            "DELETE FROM session WHERE token_hash = $1 AND kind = 'browser' RETURNING id, person", token_hash
        )
        if row is None:
            return None
        await announce(row["person"])
        ended: UUID = row["id"]
        return ended


async def end_sessions_of(person_id: UUID) -> int:
    """End every session of a person inside the running transaction; how many there were."""
    return await _end(person_id)


def _recorded(actor: Actor, change: str, person_id: UUID, now: datetime) -> AbstractAsyncContextManager[None]:
    """Somebody else's session is a refusal for the ledger; one that has just ended is not."""
    return recorded_refusals(actor, change, f"person:{person_id}", now, RoleChangeRefusedError)


async def _check_may_end(actor: Actor, person_id: UUID) -> None:
    if not is_self(actor, person_id):
        await check_manages(actor, (await person_by_id(person_id)).roles)


async def _end(person_id: UUID, session_id: UUID | None = None, *, besides: UUID | None = None) -> int:
    """End one session of a person, or all of them, or all but one; how many there were."""
    rows = await current_connection().fetch(
        "DELETE FROM session WHERE person = $1 AND ($2::uuid IS NULL OR id = $2) AND id IS DISTINCT FROM $3 "
        "RETURNING id",
        person_id,
        session_id,
        besides,
    )
    if rows:
        await announce(person_id)
    return len(rows)


def _signed_in(row: Any) -> SignedIn:  # noqa: ANN401 - asyncpg.Record
    return SignedIn(
        session_id=row["id"],
        kind=SessionKind(row["kind"]),
        person_id=row["person_id"],
        display_name=row["display_name"],
        email=row["email"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        stepped_up_at=row["stepped_up_at"],
        **rights_of(row),
    )
