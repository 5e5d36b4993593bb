"""An app's way to its own session: a flow in the browser, a code, the exchange."""

import os
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from appliance.database.connection import current_connection, read_connection
from appliance.database.identifiers import uuid7
from appliance.database.transaction import transaction
from appliance.identity import events as identity_events
from appliance.identity.changes import NOBODY, announce, locked_person, personal_of, record
from appliance.identity.flows import events, rules
from appliance.identity.flows.errors import AppCodeRefusedError, AppFlowInvalidError, AppNotLetInError, Cause
from appliance.identity.flows.records import AppSession, FlowOffer, FlowRequest, NewCode, StartedFlow
from appliance.identity.providers.provider_sessions import pass_on
from appliance.identity.records import Device, Origin, Person, SessionKind, SignedIn
from appliance.identity.sealing import RandomBytes, hashed
from appliance.identity.sessions import Sessions
from appliance.identity.tokens import hash_of, new_token
from appliance.ledger.records import Actor, ActorKind

FLOW_LIFE: Final = timedelta(minutes=10)
CODE_LIFE: Final = timedelta(seconds=60)
_FLOW: Final = "olf_"
_CODE: Final = "olk_"
_BEGIN: Final = """
INSERT INTO app_flow (id, token_hash, redirect_uri, state, challenge, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
_TAKE: Final = "DELETE FROM app_flow WHERE token_hash = $1 AND expires_at > $2 RETURNING *"
_ISSUE: Final = """
INSERT INTO app_code (id, code_hash, person, issued_by, challenge, device_name, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_FIND: Final = "SELECT * FROM app_code WHERE code_hash = $1 FOR UPDATE"
# Locked, so that the session ends either before its code is redeemed or after.
_ISSUER: Final = "SELECT 1 FROM session WHERE id = $1 AND expires_at > $2 FOR KEY SHARE"


class AppSignIns:
    """Sign-in of apps on phones and desktops."""

    def __init__(self, sessions: Sessions, random_bytes: RandomBytes = os.urandom) -> None:
        """`sessions` are shared with the rest of identity."""
        self._sessions = sessions
        self._random_bytes = random_bytes

    async def start(self, asked: FlowRequest, now: datetime) -> StartedFlow:
        """Begin; the app opens the browser with the token.

        Raises:
            AppRedirectRefusedError, AppChallengeRefusedError: nobody could be sent back safely.
        """
        redirect_uri = rules.checked_redirect(asked.redirect_uri)
        challenge = rules.checked_challenge(asked.challenge, asked.challenge_method)
        state = rules.usable_state(asked.state) or new_token("", self._random_bytes)
        token, expires_at = new_token(_FLOW, self._random_bytes), now + FLOW_LIFE
        async with transaction():
            await current_connection().execute(
                _BEGIN, uuid7(), hashed(token), redirect_uri, state, challenge, now, expires_at
            )
        return StartedFlow(token=token, state=state, redirect_uri=redirect_uri, expires_at=expires_at)

    async def offer(self, token: str, now: datetime) -> FlowOffer:
        """What the flow's page shows; looking uses nothing up.

        Raises:
            AppFlowInvalidError: unknown, over, or finished.
        """
        async with read_connection() as connection:
            row = await connection.fetchrow(
                "SELECT redirect_uri, expires_at FROM app_flow WHERE token_hash = $1 AND expires_at > $2",
                hash_of(token, _FLOW),
                now,
            )
        if row is None:
            raise AppFlowInvalidError
        return FlowOffer(**dict(row), is_on_this_device=rules.is_loopback(row["redirect_uri"]))

    async def approve(self, token: str, signed_in: SignedIn, now: datetime) -> NewCode:
        """Let the app of a flow in as the person whose browser shows its page; that ends the flow.

        Raises:
            AppFlowInvalidError: unknown, over, or finished.
            AppNotLetInError: not a browser's session.
        """
        _check_browser(signed_in)
        async with transaction():
            flow = await _taken(token, now)
            return await self._issued(signed_in, flow["redirect_uri"], flow["state"], flow["challenge"], "flow", now)

    async def cancel(self, token: str, now: datetime) -> str:
        """Give a flow up; where the browser tells the app so.

        Raises:
            AppFlowInvalidError: unknown, over, or finished.
        """
        async with transaction():
            flow = await _taken(token, now)
        told = {"error": "access_denied", "error_description": "You cancelled the sign-in.", "state": flow["state"]}
        return rules.address(flow["redirect_uri"], **told)

    async def new_code(self, signed_in: SignedIn, now: datetime) -> NewCode:
        """A code without a flow, for an app on another device that reads it from the screen.

        Raises:
            AppNotLetInError: not a browser's session.
        """
        _check_browser(signed_in)
        async with transaction():
            return await self._issued(signed_in, rules.APP_REDIRECT, "", "", "screen", now)

    async def exchange(self, code: str, verifier: str, origin: Origin, now: datetime) -> AppSession:
        """A device's session for a code, which alone says whose it is. A code that comes again ends what it gave.

        Raises:
            AppCodeRefusedError: the caller does not learn why.
        """
        code_hash = hash_of(code, _CODE)
        if code_hash is None:
            raise AppCodeRefusedError
        async with transaction():
            row = await current_connection().fetchrow(_FIND, code_hash)
            admitted = None if row is None else await self._redeemed(row, verifier, origin, now)
        self._sessions.forget()
        if admitted is None:
            raise AppCodeRefusedError
        return admitted

    async def _issued(
        self, signed_in: SignedIn, redirect_uri: str, state: str, challenge: str, way: str, now: datetime
    ) -> NewCode:
        code, code_id, expires_at = new_token(_CODE, self._random_bytes), uuid7(), now + CODE_LIFE
        person, device_name = signed_in.person_id, rules.device_name(redirect_uri)
        await current_connection().execute(
            _ISSUE, code_id, hashed(code), person, signed_in.session_id, challenge, device_name, now, expires_at
        )
        facts = {"code": str(code_id), "session": str(signed_in.session_id), "way": way}
        await record(signed_in.actor, events.CODE_ISSUED, f"person:{person}", now, facts=facts)
        address = rules.address(redirect_uri, code=code, state=state)
        return NewCode(code=code, address=address, expires_at=expires_at)

    async def _redeemed(self, row: Any, verifier: str, origin: Origin, now: datetime) -> AppSession | None:  # noqa: ANN401 - asyncpg.Record
        """The session that a code gives; None if it gives none, which is in the ledger then."""
        if row["used_at"] is not None:
            await _end_reused(row, origin, now)
            return None
        person = await locked_person(row["person"])
        is_live = await current_connection().fetchval(_ISSUER, row["issued_by"], now) is not None
        cause = _refusal(row, person, verifier, now) or (None if is_live else Cause.SESSION_ENDED)
        if cause is not None:
            await current_connection().execute("DELETE FROM app_code WHERE id = $1", row["id"])
            facts = {"code": str(row["id"]), "cause": cause.value}
            subject = f"person:{person.id}"
            await record(NOBODY, events.CODE_REFUSED, subject, now, facts=facts, personal=personal_of(origin))
            return None
        device = Device(name=row["device_name"])
        session = await self._sessions.begin(person.id, SessionKind.DEVICE, origin, now, device=device)
        await pass_on(row["issued_by"], session.session_id)
        await current_connection().execute(
            "UPDATE app_code SET used_at = $2, session = $3 WHERE id = $1", row["id"], now, session.session_id
        )
        facts = {"session": str(session.session_id), "factor": "app_code", "code": str(row["id"])}
        event, subject = identity_events.SIGN_IN_SUCCEEDED, f"person:{person.id}"
        await record(_as_person(person), event, subject, now, facts=facts, personal=personal_of(origin))
        return AppSession(session=session, person=person)


def _check_browser(signed_in: SignedIn) -> None:
    """A script's session must not become one that outlives it by months.

    Raises:
        AppNotLetInError: it is not a browser's.
    """
    if signed_in.kind is not SessionKind.BROWSER:
        raise AppNotLetInError


async def _taken(token: str, now: datetime) -> Any:  # noqa: ANN401 - asyncpg.Record
    row = await current_connection().fetchrow(_TAKE, hash_of(token, _FLOW), now)
    if row is None:
        raise AppFlowInvalidError
    return row


def _refusal(row: Any, person: Person, verifier: str, now: datetime) -> Cause | None:  # noqa: ANN401 - asyncpg.Record
    if row["expires_at"] <= now:
        return Cause.EXPIRED
    if not rules.fits(row["challenge"], verifier):
        return Cause.VERIFIER_WRONG
    return Cause.PERSON_DISABLED if person.is_disabled or person.is_sealed else None


async def _end_reused(row: Any, origin: Origin, now: datetime) -> None:  # noqa: ANN401 - asyncpg.Record
    """Of two who have the same code one is a thief, and nobody can tell which."""
    person: UUID = row["person"]
    ended = await current_connection().fetchval("DELETE FROM session WHERE id = $1 RETURNING true", row["session"])
    if ended:
        await announce(person)
    facts = {"code": str(row["id"]), "session": str(row["session"]), "is_ended": bool(ended)}
    await record(NOBODY, events.CODE_REUSED, f"person:{person}", now, facts=facts, personal=personal_of(origin))


def _as_person(person: Person) -> Actor:
    return Actor(kind=ActorKind.PERSON, id=str(person.id), name=f"{person.display_name} <{person.email}>")
