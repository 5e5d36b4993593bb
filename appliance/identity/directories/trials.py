"""Trying a sign-in for whoever sets a directory up: the same checks, told openly, and nobody comes in by it."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

import msgspec

from appliance.database.transaction import transaction
from appliance.identity.account_queries import Profile, find_account, prepared
from appliance.identity.bind_allowance import BindAllowance, typed_account
from appliance.identity.changes import check_manages, personal_of, record, recorded_refusals
from appliance.identity.directories.errors import (
    DirectoryIncompleteError,
    DirectoryRefusedError,
    DirectoryUnavailableError,
)
from appliance.identity.directories.events import SIGN_IN_TRIED
from appliance.identity.directories.records import DirectoryUser, RefusalCause
from appliance.identity.directories.service import Directories
from appliance.identity.errors import RoleChangeRefusedError
from appliance.identity.queries import find_person, person_by_id
from appliance.identity.records import Origin, Source, SourceKind
from appliance.identity.rules import shown
from appliance.identity.sealing import KeyedHash, derive
from appliance.identity.throttle import Attempt, Throttle
from appliance.ledger.records import Actor

_NAME_MAX: Final = 256
_SPENT: Final = "attempts_spent"
_UNAVAILABLE: Final = "directory_unavailable"
_LET_IN: Final = "let_in"
# The directory let them in; something here did not.
_KEPT_OUT: Final = frozenset({"account_disabled", "person_disabled", "account_unknown", "email_taken"})
NEXT: Final = {
    RefusalCause.WRONG: "Type the password again; attempts are counted here as well as in the directory.",
    RefusalCause.UNKNOWN: "Find the user first; compare user_base, user_filter and login_attributes with the entry.",
    RefusalCause.AMBIGUOUS: "Choose login_attributes whose values nobody shares, or a narrower user_base.",
    RefusalCause.DISABLED: "Nothing is wrong here: enable the account in the directory if it should come in.",
    RefusalCause.EXPIRED: "Set a new password for the account in the directory; the old one was right.",
    RefusalCause.MUST_CHANGE: "Let the person change the password where they sign in to their computer.",
    RefusalCause.LOCKED: "Unlock the account in the directory, or wait until its lock-out time has passed.",
}
# With these the password was right, so the directory has counted nothing.
_UNCOUNTED: Final = frozenset({RefusalCause.EXPIRED, RefusalCause.MUST_CHANGE})


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """How an attempt went; for people who manage people, never for whoever signs in.

    Attributes:
        cause: `let_in`, a RefusalCause, or why the directory was not asked or let in nobody after all.
        groups: names of the groups that the sign-in would bring; empty also where they could not be read.
    """

    is_ok: bool
    cause: str
    said: str
    next_step: str = ""
    seconds: float = 0.0
    user: DirectoryUser | None = None
    groups: tuple[str, ...] = ()


class SignInTrials:
    """Tries sign-ins within the same limits as everybody's: wrong passwords must lock nobody's account."""

    def __init__(
        self, directories: Directories, *, throttle: Throttle, binds: BindAllowance, monotonic: Callable[[], float]
    ) -> None:
        """`throttle` and `binds` count together with those of the sign-in page."""
        self._directories = directories
        self._throttle = throttle
        self._binds = binds
        self._monotonic = monotonic

    async def sign_in(self, actor: Actor, name: str, user: str, password: str, origin: Origin, now: datetime) -> Trial:
        """What would come of this name and password; the attempt is in the ledger, the password nowhere.

        Raises:
            DirectoryUnknownError: there is no such directory.
            RoleChangeRefusedError: the actor does not manage people.
            SignInThrottledError: too many failures; nothing was checked.
        """
        self._directories.port(name)
        async with recorded_refusals(actor, "try_sign_in", f"source:directory:{name}", now, RoleChangeRefusedError):
            await check_manages(actor, ())
        started = self._monotonic()
        attempt = self._throttle.attempt(f"{name}/{typed_account(shown(user, _NAME_MAX))}", origin)
        await self._throttle.take(attempt, now)
        trial = await self._tried(name, user, password, now)
        trial = msgspec.structs.replace(trial, seconds=self._monotonic() - started)
        await self._record(actor, name, trial, attempt, now)
        return trial

    async def _tried(self, name: str, user: str, password: str, now: datetime) -> Trial:
        settings, port = self._directories.settings(name), self._directories.port(name)
        key = None
        known: DirectoryUser | None = None
        try:
            known = None if settings.bind == "direct" else await port.find(user)
            account = known.key if known else typed_account(user)
            key = await self._binds.take(name, account, settings.attempts_before_lockout, now)
            if key is None:
                return _spent(settings.attempts_before_lockout)
            found = await port.authenticate(user, password)
        except DirectoryRefusedError as refusal:
            if key is not None and refusal.cause in _UNCOUNTED:
                await self._binds.give_back(key)
            said = refusal.said or f"the directory lets nobody in: {refusal.cause.value.replace('_', ' ')}"
            return Trial(is_ok=False, cause=refusal.cause.value, said=said, next_step=NEXT[refusal.cause], user=known)
        except DirectoryUnavailableError as problem:
            if key is not None and settings.bind == "direct":
                await self._binds.give_back(key)
            return Trial(is_ok=False, cause=_UNAVAILABLE, said=problem.detail, next_step=problem.next_step, user=known)
        # As in a sign-in: people of similar names share a count where the directory is not asked first.
        await (self._binds.give_back(key) if settings.bind == "direct" else self._binds.clear(key))
        if found.is_disabled:
            said, cause = "the directory takes the password, but says that they are disabled", RefusalCause.DISABLED
            return Trial(is_ok=False, cause=cause.value, said=said, next_step=NEXT[cause], user=found)
        return await self._consequence(name, found)

    async def _consequence(self, name: str, user: DirectoryUser) -> Trial:
        """What a sign-in would make of somebody whom the directory lets in."""
        source = Source(SourceKind.DIRECTORY, name)
        account = await find_account(source, user.key)
        if account is None:
            return await self._first_time(name, user)
        person = await person_by_id(account.person_id)
        if person.is_disabled and person.disabled_by != str(source):
            who = person.disabled_by or "an administrator"
            said, step = f"the directory lets them in, but {who} has disabled them here", "Enable them under People."
            return Trial(is_ok=False, cause="person_disabled", said=said, next_step=step, user=user)
        if account.is_disabled and self._directories.syncs[name].is_on:
            said = "the directory lets them in, but sync has not enabled them again yet"
            step = "Wait for the next sync, or run it now; look whether one is held."
            return Trial(is_ok=False, cause="account_disabled", said=said, next_step=step, user=user)
        return await self._let_in(name, user, "the directory lets them in, and they are known here")

    async def _first_time(self, name: str, user: DirectoryUser) -> Trial:
        if not self._directories.settings(name).create_people:
            said = "the directory lets them in, but they have no account here and nobody new gets one"
            step = "Set create_people = true, or let sync bring them first."
            return Trial(is_ok=False, cause="account_unknown", said=said, next_step=step, user=user)
        profile = Profile(key=user.key, user_name=user.user_name, display_name=user.display_name, email=user.email)
        email = prepared(profile).email
        if email is not None and await find_person(email) is not None:
            said = f"the directory lets them in, but {email} belongs to somebody who is here by another way"
            step = "Nobody is merged by an address: change it here or in the directory."
            return Trial(is_ok=False, cause="email_taken", said=said, next_step=step, user=user)
        return await self._let_in(name, user, "the directory lets them in, and they would get an account here")

    async def _let_in(self, name: str, user: DirectoryUser, said: str) -> Trial:
        try:
            groups = await self._directories.port(name).groups_of(user)
        except (DirectoryIncompleteError, DirectoryUnavailableError) as problem:
            said = f"{said}; their groups could not be read: {problem.detail}"
            return Trial(is_ok=True, cause=_LET_IN, said=said, next_step=problem.next_step, user=user)
        return Trial(
            is_ok=True, cause=_LET_IN, said=said, user=user, groups=tuple(sorted(group.name for group in groups))
        )

    async def _record(self, actor: Actor, name: str, trial: Trial, attempt: Attempt, now: datetime) -> None:
        """What was typed is not kept, only the name that the directory has: passwords end up in the wrong field."""
        has_proved = trial.is_ok or trial.cause in _KEPT_OUT
        personal = personal_of(attempt.origin) | ({"user_name": shown(trial.user.user_name)} if trial.user else {})
        async with transaction():
            if has_proved or trial.cause == _UNAVAILABLE:
                await self._throttle.give_back(attempt, has_succeeded=has_proved)
            facts = {"directory": name, "outcome": trial.cause}
            await record(actor, SIGN_IN_TRIED, f"source:directory:{name}", now, facts=facts, personal=personal)


def _spent(most: int) -> Trial:
    said = f"not tried: there were {most} wrong passwords within half an hour, and the next might lock the account"
    return Trial(is_ok=False, cause=_SPENT, said=said, next_step="Wait half an hour, or try it with another account.")


def build_trials(directories: Directories, key: bytes, *, attempts_per_minute: int) -> SignInTrials:
    """Put the parts together; `key` is identity's own, so that trials and sign-ins have one count."""
    return SignInTrials(
        directories,
        throttle=Throttle(attempts_per_minute, KeyedHash(derive(key, "throttle"))),
        binds=BindAllowance(KeyedHash(derive(key, "binds"))),
        monotonic=time.monotonic,
    )
