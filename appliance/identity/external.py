"""Signing in with name and password of a directory; the second factor is the directory's affair."""

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from appliance.config.sign_in import Directory as Settings
from appliance.database.transaction import transaction
from appliance.identity import accounts, events, groups
from appliance.identity.accounts import Account, Profile
from appliance.identity.admission import Queue, unchanged
from appliance.identity.bind_allowance import BindAllowance, typed_account
from appliance.identity.changes import NOBODY, locked_person, personal_of, record, take_turn
from appliance.identity.directories.errors import (
    DirectoryIncompleteError,
    DirectoryRefusedError,
    DirectorySignInRefusedError,
    DirectoryUnavailableError,
    DirectoryUnknownError,
)
from appliance.identity.directories.ports import Directory
from appliance.identity.directories.records import DirectoryGroup, DirectoryUser
from appliance.identity.errors import EmailTakenError, SignInBusyError, StepUpFailedError
from appliance.identity.pace import Pace
from appliance.identity.records import NewSession, Origin, Person, SessionKind, SignedIn, Source, SourceKind
from appliance.identity.rules import shown
from appliance.identity.sealing import KeyedHash, derive
from appliance.identity.sessions import Sessions
from appliance.identity.step_ups import record_failure
from appliance.identity.throttle import Attempt, Throttle
from appliance.ledger.records import Actor, ActorKind

_NAME_MAX: Final = 256
_PASSWORD_MAX: Final = 1024


class Cause(StrEnum):
    """Why an attempt fails; for the ledger alone. The first seven are what the directory said."""

    WRONG = "wrong"
    UNKNOWN = "unknown"
    AMBIGUOUS = "ambiguous"
    DISABLED = "disabled"
    EXPIRED = "expired"
    MUST_CHANGE = "must_change"
    LOCKED = "locked"
    UNUSABLE = "unusable"
    ATTEMPTS_SPENT = "attempts_spent"
    ACCOUNT_UNKNOWN = "account_unknown"
    EMAIL_TAKEN = "email_taken"
    ACCOUNT_DISABLED = "account_disabled"
    PERSON_DISABLED = "person_disabled"
    DIRECTORY_UNAVAILABLE = "directory_unavailable"


# With these the password was right, so the directory has counted nothing.
_UNCOUNTED: Final = frozenset({Cause.EXPIRED, Cause.MUST_CHANGE})


class _RefusedError(Exception):
    def __init__(self, cause: Cause, user: DirectoryUser | None = None) -> None:
        """`user` is whom it concerns, if the directory has said."""
        self.cause = cause
        self.user = user
        super().__init__(cause)


class _Proven(msgspec.Struct, frozen=True, kw_only=True):
    """Whom the directory has let in; groups are None if it could not tell them."""

    user: DirectoryUser
    groups: tuple[DirectoryGroup, ...] | None


class ExternalSignIns:
    """Sign-in with the accounts of directories."""

    def __init__(
        self,
        directories: Mapping[str, Directory],
        settings: Mapping[str, Settings],
        *,
        sessions: Sessions,
        throttle: Throttle,
        binds: BindAllowance,
        pace: Pace,
    ) -> None:
        """Directories and their settings have the same names; the rest is shared with identity."""
        self._directories = directories
        self._settings = settings
        self._sessions = sessions
        self._throttle = throttle
        self._binds = binds
        self._pace = pace
        self._queue = Queue()

    def choices(self) -> tuple[tuple[str, str], ...]:
        """Name and label of each directory, in the order of the configuration: what the sign-in page offers."""
        return tuple((name, self._settings[name].label or name) for name in self._directories)

    async def by_directory(
        self,
        name: str,
        user: object,
        password: object,
        origin: Origin,
        now: datetime,
        previous_token: str | None = None,
    ) -> NewSession:
        """A new session of whom the directory lets in; the one of `previous_token`, if the browser had any, ends.

        Raises:
            DirectoryUnknownError: there is no such directory.
            DirectorySignInRefusedError: the caller does not learn why, nor by the time it takes.
            DirectoryUnavailableError: the directory does not answer; nothing was wrong with what was typed.
            SignInThrottledError: too many failures; nothing was checked.
            SignInBusyError: too many people of whom there is news come in at once.
        """
        if name not in self._directories:
            raise DirectoryUnknownError
        if self._directories[name].is_resting:
            # Whoever finds out for all others is in the ledger; hundreds that try meanwhile cost decisions their time.
            raise DirectoryUnavailableError
        started = self._pace.start()
        attempt = self._throttle.attempt(f"{name}/{typed_account(shown(user, _NAME_MAX))}", origin)
        await self._throttle.take(attempt, now)
        try:
            proven = await self._proven(name, user, password, started, now)
            session = await self._admit(name, proven, attempt, now, previous_token)
        except SignInBusyError:
            await self._throttle.give_back(attempt, has_succeeded=False)
            raise
        except DirectoryUnavailableError:
            async with transaction():  # one for both: many may try while the directory is down
                await self._record(name, _RefusedError(Cause.DIRECTORY_UNAVAILABLE), origin, now)
                await self._throttle.give_back(attempt, has_succeeded=False)
            raise
        except _RefusedError as refused:
            await self._record(name, refused, origin, now)
            await self._pace.even_out(started)
            raise DirectorySignInRefusedError from refused
        self._sessions.forget()
        return session

    async def confirm(
        self, name: str, signed_in: SignedIn, password: object, origin: Origin, now: datetime
    ) -> NewSession:
        """The session under a new token, for whoever gives the directory's password again.

        Raises:
            DirectoryUnknownError: the person has no account of such a directory.
            StepUpFailedError: the directory does not let that person in with it; the ledger says why.
            DirectoryUnavailableError, SignInThrottledError: as for `by_directory`.
            SessionUnknownError: the session has ended.
        """
        own = [each for each in await accounts.accounts_of_person(signed_in.person_id) if not each.is_disabled]
        account = next((each for each in own if each.source == source_of(name)), None)
        if name not in self._directories or account is None:
            raise DirectoryUnknownError
        attempt = self._throttle.attempt(f"{name}/{typed_account(account.user_name)}", origin)
        await self._throttle.take(attempt, now)
        try:
            proven = await self._proven(name, account.user_name, password, self._pace.start(), now)
            if proven.user.key != account.key:
                raise _RefusedError(Cause.UNKNOWN)  # noqa: TRY301 - told like every other refusal
        except DirectoryUnavailableError:
            await self._throttle.give_back(attempt, has_succeeded=False)
            raise
        except _RefusedError as refused:
            await record_failure(signed_in, refused.cause.value, origin, now)
            raise StepUpFailedError from refused
        await self._throttle.give_back(attempt, has_succeeded=True)
        return await self._sessions.steps_up(signed_in.session_id, "directory", now)

    async def _proven(self, name: str, user: object, password: object, started: float, now: datetime) -> _Proven:
        """Whom the directory lets in with this password, which it is asked about once or not at all."""
        if not _is_usable(user, _NAME_MAX) or not _is_usable(password, _PASSWORD_MAX):
            raise _RefusedError(Cause.UNUSABLE)
        directory, typed = self._directories[name], str(user)
        # Before the password: whoever has several names has one count of wrong passwords.
        is_direct = self._settings[name].bind == "direct"
        known = None if is_direct else await directory.find(typed)
        key = await self._binds.take(
            name, known.key if known else typed_account(typed), self._settings[name].attempts_before_lockout, now
        )
        if key is None:
            raise _RefusedError(Cause.ATTEMPTS_SPENT, known)
        try:
            found = await directory.authenticate(typed, str(password))
        except DirectoryRefusedError as refusal:
            cause = Cause(refusal.cause.value)
            if cause in _UNCOUNTED:
                await self._binds.give_back(key)
            self._pace.learn(started)
            raise _RefusedError(cause, known) from refusal
        except DirectoryUnavailableError:
            # Without a look-up before it, this is nearly always a directory that was never reached.
            if is_direct:
                await self._binds.give_back(key)
            raise
        if is_direct:
            # People of similar names share a count: nobody may clear it for another one by a password of their own.
            await self._binds.give_back(key)
        else:
            await self._binds.clear(key)
        if found.is_disabled:
            raise _RefusedError(Cause.DISABLED, found)
        return _Proven(user=found, groups=await _groups(directory, found))

    async def _admit(
        self, name: str, proven: _Proven, attempt: Attempt, now: datetime, previous_token: str | None
    ) -> NewSession:
        """Let in whom the directory has let in: at once if it tells what is known, and else in turn."""
        source, profile = source_of(name), profile_of(proven.user)
        named = None if proven.groups is None else {group.key: group.name for group in proven.groups}
        async with transaction():
            person = await unchanged(source, profile, named, now)
            if person is not None:
                return await self._begin(name, proven, person, attempt, now, previous_token)
        async with self._queue.turn(), transaction():
            person = await self._renewed(name, proven.user, named, now)
            return await self._begin(name, proven, person, attempt, now, previous_token)

    async def _begin(
        self, name: str, proven: _Proven, person: Person, attempt: Attempt, now: datetime, previous_token: str | None
    ) -> NewSession:
        """Begin the session, inside the running transaction."""
        if person.is_disabled or person.is_sealed:
            raise _RefusedError(Cause.PERSON_DISABLED, proven.user)
        facts = {"factor": "directory", "directory": name}
        if proven.groups is None:
            facts["groups"] = "unknown"  # they stay as they were
        replaced = await self._sessions.end_previous(previous_token)
        session = await self._sessions.begin(person.id, SessionKind.BROWSER, attempt.origin, now)
        facts |= {"session": str(session.session_id)} | ({"replaced": str(replaced)} if replaced else {})
        subject, personal = f"person:{person.id}", personal_of(attempt.origin)
        await record(_as_person(person), events.SIGN_IN_SUCCEEDED, subject, now, facts=facts, personal=personal)
        await self._throttle.give_back(attempt, has_succeeded=True)
        return session

    async def _renewed(self, name: str, user: DirectoryUser, named: Mapping[str, str] | None, now: datetime) -> Person:
        """The person, with name, address and groups as the directory tells them now."""
        source = source_of(name)
        person = await locked_person((await self._account(name, user, now)).person_id)
        if named is not None and not (person.is_disabled or person.is_sealed):
            await groups.set_members(source.actor, source, named, {user.key: frozenset(named)}, now)
        return person

    async def _account(self, name: str, user: DirectoryUser, now: datetime) -> Account:
        """The account of somebody whom the directory has let in, as it tells of them now; made if there is none."""
        source, profile = source_of(name), profile_of(user)
        await take_turn()  # of two first sign-ins at once, the second one finds what the first one made
        account = await accounts.find_account(source, user.key)
        if account is None:
            if not self._settings[name].create_people:
                raise _RefusedError(Cause.ACCOUNT_UNKNOWN, user)
            try:
                await accounts.provision(source.actor, source, profile, now)
            except EmailTakenError as problem:
                raise _RefusedError(Cause.EMAIL_TAKEN, user) from problem
            account = await accounts.find_account(source, user.key)
        else:
            if account.is_disabled and _is_synced(self._settings[name]):
                # Sync may have heard of it after this password was taken, and hears nothing of it a second time.
                raise _RefusedError(Cause.ACCOUNT_DISABLED, user)
            if account.is_disabled:  # the directory has just let in whom it had kept out, and nobody else will tell
                await accounts.enable(source.actor, source, (user.key,), now)
            await accounts.refresh(source.actor, source, profile, now)
        if account is None:
            raise _RefusedError(Cause.ACCOUNT_UNKNOWN, user)
        return account

    async def _record(self, name: str, refused: _RefusedError, origin: Origin, now: datetime) -> None:
        """What was typed is not kept, only the name that the directory has: passwords end up in the wrong field.

        Whom the directory has disabled is disabled here in the same commit.
        """
        source, user = source_of(name), refused.user
        facts = {"cause": refused.cause.value, "directory": name}
        personal = personal_of(origin) | ({"user_name": shown(user.user_name)} if user else {})
        is_leaver = user is not None and user.is_disabled and refused.cause is Cause.DISABLED
        async with transaction():
            # Asked about nobody too: whoever is unknown takes as many steps.
            account = await accounts.find_account(source, user.key if user else "")
            if account and is_leaver and not account.is_disabled:
                await accounts.disable(source.actor, source, (account.key,), now, cause="disabled")
            subject = f"person:{account.person_id}" if account else "service:sign_in"
            await record(NOBODY, events.SIGN_IN_REFUSED, subject, now, facts=facts, personal=personal)
        if is_leaver:  # nobody else's session is over by a refusal
            self._sessions.forget()


def source_of(directory: str) -> Source:
    """The directory as a source of accounts."""
    return Source(kind=SourceKind.DIRECTORY, name=directory)


def profile_of(user: DirectoryUser) -> Profile:
    """What an account keeps of somebody."""
    return Profile(key=user.key, user_name=user.user_name, display_name=user.display_name, email=user.email)


def _is_usable(text: object, longest: int) -> bool:
    """Whether a text can be a name or a password at all; an empty password would be an anonymous bind."""
    return isinstance(text, str) and 0 < len(text) <= longest and "\0" not in text


async def _groups(directory: Directory, user: DirectoryUser) -> tuple[DirectoryGroup, ...] | None:
    """Groups that cannot be read keep nobody out who has proved who they are."""
    if user.groups is not None:
        return user.groups
    try:
        return await directory.groups_of(user)
    except (DirectoryIncompleteError, DirectoryUnavailableError):
        return None


def _is_synced(settings: Settings) -> bool:
    """Whether sync runs by itself, and so tells of everybody who is enabled again."""
    return settings.bind == "service" and settings.sync_seconds > 0


def _as_person(person: Person) -> Actor:
    return Actor(kind=ActorKind.PERSON, id=str(person.id), name=f"{person.display_name} <{person.email}>")


def build_external(
    directories: Mapping[str, Directory],
    settings: Mapping[str, Settings],
    key: bytes,
    *,
    sessions: Sessions,
    attempts_per_minute: int,
) -> ExternalSignIns:
    """Put the parts together; `key` is identity's own, so that an address has one count for all ways to sign in."""
    return ExternalSignIns(
        directories,
        settings,
        sessions=sessions,
        throttle=Throttle(attempts_per_minute, KeyedHash(derive(key, "throttle"))),
        binds=BindAllowance(KeyedHash(derive(key, "binds"))),
        pace=Pace(monotonic=time.monotonic, sleep=asyncio.sleep),
    )
