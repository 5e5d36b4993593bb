"""Signing in with e-mail, password and code."""

from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from appliance.database.transaction import transaction
from appliance.identity import codes, events
from appliance.identity.changes import NOBODY, personal_of, record
from appliance.identity.credentials import (
    Account,
    find_account,
    lock_unchanged,
    place_of,
    renew_hash,
    spend_recovery_code,
    spend_step,
)
from appliance.identity.errors import (
    EmailRefusedError,
    PasswordRefusedError,
    SignInBusyError,
    SignInRefusedError,
)
from appliance.identity.passwords import Passwords
from appliance.identity.records import NewSession, Origin, SessionKind
from appliance.identity.rules import EMAIL_MAX, prepare_email, prepare_password, shown
from appliance.identity.sealing import Sealer
from appliance.identity.sessions import Sessions
from appliance.identity.throttle import Throttle

_DECOY_SECRET: Final = "A" * 32


class Cause(StrEnum):
    """Why an attempt fails; for the ledger alone."""

    PERSON_UNKNOWN = "person_unknown"
    NO_CREDENTIAL = "no_credential"
    PERSON_DISABLED = "person_disabled"
    PASSWORD_WRONG = "password_wrong"  # noqa: S105 - a name
    CODE_WRONG = "code_wrong"
    CODE_USED = "code_used"
    ACCOUNT_CHANGED = "account_changed"


class _RefusedError(Exception):
    def __init__(self, cause: Cause) -> None:
        self.cause = cause
        super().__init__(cause)


class _Proof(msgspec.Struct, frozen=True):
    """A second factor that fits and is yet to be spent: a time step, or a recovery code."""

    step: int | None = None
    recovery_code: str | None = None


class SignIns:
    """Sign-in to the installation's own accounts."""

    def __init__(self, *, passwords: Passwords, sessions: Sessions, throttle: Throttle, sealer: Sealer) -> None:
        """Everything is shared with the rest of identity."""
        self._passwords = passwords
        self._sessions = sessions
        self._throttle = throttle
        self._sealer = sealer

    async def sign_in(
        self,
        *,
        email: object,
        password: object,
        code: object,
        origin: Origin,
        now: datetime,
        previous_token: str | None = None,
    ) -> NewSession:
        """A new session; the one of `previous_token`, if the browser had any, ends.

        Raises:
            SignInRefusedError: the caller does not learn why, nor by the time it takes.
            SignInThrottledError: too many failures; nothing was checked.
            SignInBusyError: too many passwords wait already.
        """
        address = _prepared_email(email)
        attempt = self._throttle.attempt(address or shown(email, EMAIL_MAX), origin)
        await self._throttle.take(attempt, now)
        account = await find_account(address) if address else None
        try:
            proof = await self._check(account, password, code, now)
            renewed = await self._renewed(account, password)
            async with transaction():
                session = await self._admit(account, proof, origin, now, previous_token)
                await self._throttle.give_back(attempt, has_succeeded=True)
                if renewed is not None:
                    await renew_hash(session.person_id, renewed)
        except SignInBusyError:
            await self._throttle.give_back(attempt, has_succeeded=False)
            raise
        except _RefusedError as refused:
            await _record_refusal(account, address, refused.cause, origin, now)
            raise SignInRefusedError from refused
        self._sessions.forget()
        return session

    async def _check(self, account: Account | None, password: object, code: object, now: datetime) -> _Proof:
        """The fitting second factor; the same work is done for everybody, whoever they are and whatever is wrong."""
        stored = account.password_hash if account else None
        is_match = await self._passwords.is_match(stored, _prepared_password(password))
        secret = self._secret_of(account) if is_match else _DECOY_SECRET
        step, recovery = codes.totp_step(secret, code, now), codes.recovery_code(code)
        if account is None or stored is None or account.is_disabled or not is_match:
            raise _RefusedError(_cause(account))
        if step is None and recovery is None:
            raise _RefusedError(Cause.CODE_WRONG)
        return _Proof(step, recovery)

    async def _admit(
        self, account: Account | None, proof: _Proof, origin: Origin, now: datetime, previous_token: str | None
    ) -> NewSession:
        """Spend the second factor and begin the session, unless the account changed since it was checked."""
        if account is None or not await lock_unchanged(account):
            raise _RefusedError(Cause.ACCOUNT_CHANGED)
        if proof.step is not None:
            is_spent, factor = await spend_step(account.person_id, proof.step), "totp"
        else:
            is_spent, factor = await spend_recovery_code(account.person_id, proof.recovery_code or ""), "recovery_code"
        if not is_spent:
            raise _RefusedError(Cause.CODE_USED if proof.step is not None else Cause.CODE_WRONG)
        replaced = await self._sessions.end_previous(previous_token)
        session = await self._sessions.begin(account.person_id, SessionKind.BROWSER, origin, now, is_proven=True)
        facts = {"session": str(session.session_id), "factor": factor}
        if replaced is not None:
            facts["replaced"] = str(replaced)
        subject, personal = f"person:{account.person_id}", personal_of(origin)
        await record(account.actor, events.SIGN_IN_SUCCEEDED, subject, now, facts=facts, personal=personal)
        return session

    def _secret_of(self, account: Account | None) -> str:
        if account is None or account.totp_sealed is None:
            return _DECOY_SECRET
        return self._sealer.open(account.totp_sealed, place_of(account.person_id))

    async def _renewed(self, account: Account | None, password: object) -> str | None:
        """The password's hash at today's cost, if it was stored at another one."""
        if account is None or account.password_hash is None or not self._passwords.is_outdated(account.password_hash):
            return None
        return await self._passwords.hash(prepare_password(password))


def _cause(account: Account | None) -> Cause:
    if account is None:
        return Cause.PERSON_UNKNOWN
    if account.is_disabled:
        return Cause.PERSON_DISABLED
    return Cause.PASSWORD_WRONG if account.password_hash else Cause.NO_CREDENTIAL


def _prepared_email(email: object) -> str | None:
    try:
        return prepare_email(email)
    except EmailRefusedError:
        return None


def _prepared_password(password: object) -> str | None:
    try:
        return prepare_password(password)
    except PasswordRefusedError:
        return None


async def _record_refusal(
    account: Account | None, email: str | None, cause: Cause, origin: Origin, now: datetime
) -> None:
    """What was typed is kept only where it is an address: people type their password into the wrong field."""
    subject = f"person:{account.person_id}" if account else "service:sign_in"
    personal = personal_of(origin) | ({"email": email} if email else {})
    async with transaction():
        await record(NOBODY, events.SIGN_IN_REFUSED, subject, now, facts={"cause": cause.value}, personal=personal)
