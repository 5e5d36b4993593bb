"""Lets a person in who holds a passkey: alone if their device knows them, otherwise together with the password."""

from datetime import datetime
from typing import Final
from uuid import UUID

from appliance.database.transaction import transaction
from appliance.identity.changes import NOBODY, locked_person, personal_of, record
from appliance.identity.credentials import find_account, lock_unchanged
from appliance.identity.errors import EmailRefusedError, PasswordRefusedError, SignInBusyError
from appliance.identity.events import SIGN_IN_REFUSED, SIGN_IN_SUCCEEDED
from appliance.identity.passkeys import ceremonies, challenges, events, queries
from appliance.identity.passkeys.errors import Cause, PasskeyRefusedError, RefusedError
from appliance.identity.passkeys.records import Purpose, RelyingParty, StoredKey
from appliance.identity.passwords import Passwords
from appliance.identity.records import NewSession, Origin, SessionKind
from appliance.identity.rules import prepare_email, prepare_password, shown
from appliance.identity.sessions import Sessions
from appliance.identity.throttle import Throttle
from appliance.ledger.records import Actor, ActorKind

_PURPOSES: Final = frozenset({Purpose.SIGN_IN, Purpose.SECOND_FACTOR})


class PasskeySignIns:
    """Sign-in to the installation's own accounts by passkey."""

    def __init__(self, *, sessions: Sessions, throttle: Throttle, passwords: Passwords, is_open: bool) -> None:
        """Everything is shared with the rest of identity; `is_open`: own accounts may sign in at all."""
        self._sessions = sessions
        self._throttle = throttle
        self._passwords = passwords
        self._is_open = is_open

    async def sign_in(
        self,
        party: RelyingParty,
        answer: object,
        browser: object,
        typed: tuple[object, object],
        origin: Origin,
        now: datetime,
        previous_token: str | None,
    ) -> NewSession:
        """A new session; see `Passkeys.sign_in`. `typed` are address and password."""
        # Counted by key and by caller: a stranger who has no key wears out nobody's but their own.
        attempt = self._throttle.attempt(f"passkey:{_key_of(answer)}", origin)
        await self._throttle.take(attempt, now)
        key: StoredKey | None = None
        try:
            asked = await challenges.take(browser, _PURPOSES, None, now)
            told = ceremonies.read_answer(answer)
            key = await queries.find_key(told.credential_id)
            if key is None:
                raise RefusedError(Cause.KEY_UNKNOWN)  # noqa: TRY301 - told like every other refusal
            has_password = asked.purpose is Purpose.SECOND_FACTOR
            if told.user_handle != key.person_id.bytes and not (has_password and told.user_handle is None):
                raise RefusedError(Cause.OTHER_PERSON)  # noqa: TRY301 - see above
            found = ceremonies.check_authentication(
                party, str(answer), asked.challenge, key, is_person_known=has_password
            )
            if has_password:
                await self._check_password(key, *typed)
            async with transaction():
                session = await self._admit(key, found.sign_count, origin, now, previous_token, has_password)
                await self._throttle.give_back(attempt, has_succeeded=True)
        except SignInBusyError:
            await self._throttle.give_back(attempt, has_succeeded=False)
            raise
        except RefusedError as refused:
            subject = f"person:{key.person_id}" if key else "service:sign_in"
            await record_refusal(NOBODY, subject, refused, origin, now, event=SIGN_IN_REFUSED)
            raise PasskeyRefusedError from refused
        self._sessions.forget()
        return session

    async def _check_password(self, key: StoredKey, email: object, password: object) -> None:
        """Raises RefusedError if the password is not that of the passkey's person."""
        try:
            account, given = await find_account(prepare_email(email)), prepare_password(password)
        except (EmailRefusedError, PasswordRefusedError):
            account, given = None, None
        is_match = await self._passwords.is_match(account.password_hash if account else None, given)
        if account is None or not is_match:
            raise RefusedError(Cause.PASSWORD_WRONG)
        if account.person_id != key.person_id:
            raise RefusedError(Cause.OTHER_PERSON)

    async def _admit(
        self,
        key: StoredKey,
        sign_count: int,
        origin: Origin,
        now: datetime,
        previous_token: str | None,
        has_password: bool,  # noqa: FBT001 - told in the ledger
    ) -> NewSession:
        person = await locked_person(key.person_id)
        account = await find_account(person.email)
        if not self._is_open or account is None or account.is_disabled or not await lock_unchanged(account):
            raise RefusedError(Cause.PERSON_CLOSED)
        if not await queries.count_use(key, sign_count, now):
            raise RefusedError(Cause.COUNTER_WENT_BACK)
        replaced = await self._sessions.end_previous(previous_token)
        session = await self._sessions.begin(person.id, SessionKind.BROWSER, origin, now, is_proven=True)
        facts = {
            "session": str(session.session_id),
            "factor": "password_and_passkey" if has_password else "passkey",
            "passkey": str(key.id),
        }
        facts |= {"replaced": str(replaced)} if replaced is not None else {}
        actor = _as_person(person.id, f"{person.display_name} <{person.email}>")
        subject, personal = f"person:{person.id}", personal_of(origin)
        await record(actor, SIGN_IN_SUCCEEDED, subject, now, facts=facts, personal=personal)
        return session


async def record_refusal(
    actor: Actor,
    subject: str,
    refused: RefusedError,
    origin: Origin,
    now: datetime,
    event: str = events.PASSKEY_REFUSED,
) -> None:
    """Put an answer that does not hold into the ledger, with the cause that its caller is not told."""
    personal = personal_of(origin) | ({"detail": shown(refused.detail)} if refused.detail else {})
    facts = {"cause": refused.cause.value, "factor": "passkey"}
    async with transaction():
        await record(actor, event, subject, now, facts=facts, personal=personal)


def _key_of(answer: object) -> str:
    """Which key an answer names, however it is written; what is no answer lets nobody in and is counted as one."""
    try:
        return ceremonies.read_answer(answer).credential_id.hex()
    except RefusedError:
        return ""


def _as_person(person_id: UUID, name: str) -> Actor:
    return Actor(kind=ActorKind.PERSON, id=str(person_id), name=name)
