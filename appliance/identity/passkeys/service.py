"""Passkeys as the rest of the product is handed them: registering, signing in, proving again, removing."""

import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from appliance.database.transaction import transaction
from appliance.identity.changes import check_manages, is_self, locked_person, record, recorded_refusals
from appliance.identity.errors import RoleChangeRefusedError
from appliance.identity.passkeys import ceremonies, challenges, events, queries
from appliance.identity.passkeys.errors import (
    Cause,
    PasskeyCredentialMissingError,
    PasskeyRefusedError,
    PasskeysUnavailableError,
    PasskeyUnknownError,
    RefusedError,
)
from appliance.identity.passkeys.records import Asked, Passkey, Purpose, RelyingParty, StoredKey
from appliance.identity.passkeys.sign_in import PasskeySignIns, record_refusal
from appliance.identity.queries import person_by_id
from appliance.identity.records import NewSession, Origin, SignedIn
from appliance.identity.rules import prepare_name
from appliance.identity.sealing import RandomBytes
from appliance.identity.service import Identity
from appliance.identity.sessions import Sessions
from appliance.ledger.records import Actor

NAME_MAX: Final = 100


class Passkeys:
    """The passkeys of this installation."""

    def __init__(
        self, party: RelyingParty | None, *, sessions: Sessions, sign_ins: PasskeySignIns, random_bytes: RandomBytes
    ) -> None:
        """`party` is None where browsers take no passkeys for the address."""
        self._party = party
        self._sessions = sessions
        self._sign_ins = sign_ins
        self._random_bytes = random_bytes

    @property
    def is_available(self) -> bool:
        """Whether browsers take passkeys for this installation's address."""
        return self._party is not None

    async def list_own(self, person: UUID) -> tuple[Passkey, ...]:
        """A person's passkeys, the oldest first."""
        return await queries.passkeys_of(person)

    async def begin_registration(self, signed_in: SignedIn, now: datetime) -> Asked:
        """The question that makes a new passkey of whoever is signed in.

        Raises:
            PasskeysUnavailableError: not at this address.
            PasskeyCredentialMissingError: not without a password here.
        """
        party = self._reachable()
        if not (await person_by_id(signed_in.person_id)).has_credential:
            raise PasskeyCredentialMissingError
        challenge, browser, expires_at = await self._ask(Purpose.REGISTER, signed_in.session_id, now)
        options = ceremonies.registration_options(
            party,
            challenge=challenge,
            user=signed_in.person_id.bytes,
            user_name=signed_in.email,
            display_name=signed_in.display_name,
            known=await queries.credential_ids_of(signed_in.person_id),
        )
        return Asked(options=options, browser=browser, expires_at=expires_at)

    async def register(
        self, signed_in: SignedIn, *, name: object, answer: object, browser: object, origin: Origin, now: datetime
    ) -> UUID:
        """A new passkey of whoever is signed in.

        Raises:
            NameRefusedError: it cannot be shown.
            PasskeyRefusedError: the answer does not hold.
            PasskeyTakenError: the device's key is registered already.
            PasskeyCredentialMissingError: the password was removed meanwhile.
        """
        party, shown_name = self._reachable(), prepare_name(name)[:NAME_MAX]
        async with _told(signed_in, origin, now):
            asked = await challenges.take(browser, frozenset({Purpose.REGISTER}), signed_in.session_id, now)
            ceremonies.read_answer(answer)
            key = ceremonies.check_registration(party, str(answer), asked.challenge)
        async with transaction():
            if not (await locked_person(signed_in.person_id)).has_credential:
                raise PasskeyCredentialMissingError
            passkey_id = await queries.store(signed_in.person_id, key, shown_name, now)
            await record(
                signed_in.actor, events.PASSKEY_ADDED, f"passkey:{passkey_id}", now,
                facts={"person": str(signed_in.person_id), "synced": key.is_synced}, personal={"name": shown_name},
            )  # fmt: skip
        return passkey_id

    async def remove(self, actor: Actor, person_id: UUID, passkey_id: UUID, now: datetime) -> None:
        """Take a passkey away.

        Raises:
            PasskeyUnknownError: the person has no such passkey.
            RoleChangeRefusedError: it is somebody's whom the actor does not manage.
        """
        subject = f"person:{person_id}"
        async with recorded_refusals(actor, "passkey", subject, now, RoleChangeRefusedError), transaction():
            if not is_self(actor, person_id):
                await check_manages(actor, (await person_by_id(person_id)).roles)
            if not await queries.delete(person_id, passkey_id):
                raise PasskeyUnknownError
            facts = {"person": str(person_id)}
            await record(actor, events.PASSKEY_REMOVED, f"passkey:{passkey_id}", now, facts=facts)

    async def begin_sign_in(self, now: datetime, *, is_person_known: bool) -> Asked:
        """The question to a browser whose person is not known; it names no key, so that it tells of nobody.

        Raises:
            PasskeysUnavailableError: not at this address.
        """
        party = self._reachable()
        purpose = Purpose.SECOND_FACTOR if is_person_known else Purpose.SIGN_IN
        challenge, browser, expires_at = await self._ask(purpose, None, now)
        options = ceremonies.authentication_options(party, challenge=challenge, is_person_known=is_person_known)
        return Asked(options=options, browser=browser, expires_at=expires_at)

    async def sign_in(
        self,
        *,
        answer: object,
        browser: object,
        email: object,
        password: object,
        origin: Origin,
        now: datetime,
        previous_token: str | None = None,
    ) -> NewSession:
        """A new session by a passkey alone, or by a password and a passkey where the question was for both.

        Raises:
            PasskeyRefusedError: the caller does not learn why.
            SignInThrottledError: too many failures; nothing was checked.
            SignInBusyError: too many passwords wait already.
        """
        return await self._sign_ins.sign_in(
            self._reachable(), answer, browser, (email, password), origin, now, previous_token
        )

    async def begin_step_up(self, signed_in: SignedIn, now: datetime) -> Asked:
        """The question that proves again whose session it is.

        Raises:
            PasskeysUnavailableError: not at this address.
            PasskeyUnknownError: the person has none.
        """
        party, known = self._reachable(), await queries.credential_ids_of(signed_in.person_id)
        if not known:
            raise PasskeyUnknownError
        challenge, browser, expires_at = await self._ask(Purpose.STEP_UP, signed_in.session_id, now)
        options = ceremonies.authentication_options(party, challenge=challenge, known=known, is_person_known=False)
        return Asked(options=options, browser=browser, expires_at=expires_at)

    async def step_up(
        self, signed_in: SignedIn, *, answer: object, browser: object, origin: Origin, now: datetime
    ) -> NewSession:
        """The session under a new token.

        Raises:
            PasskeyRefusedError: the answer does not hold, or is somebody else's.
            SessionUnknownError: the session has ended.
        """
        party = self._reachable()
        async with _told(signed_in, origin, now):
            asked = await challenges.take(browser, frozenset({Purpose.STEP_UP}), signed_in.session_id, now)
            key = await _key_of(signed_in.person_id, answer)
            found = ceremonies.check_authentication(party, str(answer), asked.challenge, key, is_person_known=False)
            async with transaction():
                if not await queries.count_use(key, found.sign_count, now):
                    raise RefusedError(Cause.COUNTER_WENT_BACK)
        return await self._sessions.steps_up(signed_in.session_id, "passkey", now)

    async def _ask(self, purpose: Purpose, session: UUID | None, now: datetime) -> tuple[bytes, str, datetime]:
        return await challenges.ask(purpose, session, self._random_bytes, now)

    def _reachable(self) -> RelyingParty:
        if self._party is None:
            raise PasskeysUnavailableError
        return self._party


async def _key_of(person: UUID, answer: object) -> StoredKey:
    """The person's passkey that an answer says it is by.

    Raises:
        RefusedError: it is nobody's, or somebody else's.
    """
    told = ceremonies.read_answer(answer)
    key = await queries.find_key(told.credential_id)
    if key is None:
        raise RefusedError(Cause.KEY_UNKNOWN)
    if key.person_id != person or told.user_handle not in {None, person.bytes}:
        raise RefusedError(Cause.OTHER_PERSON)
    return key


@asynccontextmanager
async def _told(signed_in: SignedIn, origin: Origin, now: datetime) -> AsyncIterator[None]:
    """What is refused inside is in the ledger with its cause, and told without it."""
    try:
        yield
    except RefusedError as refused:
        await record_refusal(signed_in.actor, f"person:{signed_in.person_id}", refused, origin, now)
        raise PasskeyRefusedError from refused


def party_of(public_origin: str, name: str) -> RelyingParty | None:
    """The installation as authenticators know it; None for an address that browsers take no passkeys for.

    WebAuthn Level 3, section 5.1.3: a domain, never an IP address, and a secure context.
    """
    parts = urlsplit(public_origin)
    host = parts.hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        is_secure = parts.scheme == "https" or host == "localhost" or host.endswith(".localhost")
        return RelyingParty(id=host, origin=public_origin, name=name) if host and is_secure else None
    return None


def build_passkeys(
    identity: Identity, *, public_origin: str, name: str, is_open: bool, random_bytes: RandomBytes
) -> Passkeys:
    """Put the parts together; `is_open`: people may sign in with what is kept here."""
    sign_ins = PasskeySignIns(
        sessions=identity.sessions, throttle=identity.throttle, passwords=identity.passwords, is_open=is_open
    )
    return Passkeys(
        party_of(public_origin, name), sessions=identity.sessions, sign_ins=sign_ins, random_bytes=random_bytes
    )
