"""Trying a sign-in says what would come of it, and changes nothing but the ledger."""

from contextlib import suppress

import pytest

from appliance.database.transaction import transaction
from appliance.identity import accounts
from appliance.identity.changes import NOBODY
from appliance.identity.directories.records import DirectoryUser
from appliance.identity.directories.service import Directories
from appliance.identity.directories.trials import SignInTrials, Trial, build_trials
from appliance.identity.errors import RoleChangeRefusedError, SignInThrottledError
from appliance.identity.records import Origin, Source, SourceKind
from tests.support.fake_directory import FakeDirectory, Fault
from tests.support.people import NOW, OPERATOR, ledger_events, ledger_facts
from tests.support.postgres import TestDatabase
from tests.support.syncing import Build, Hands, enabled, settings

CORP = Source(SourceKind.DIRECTORY, "corp")


def trials_of(directories: Directories, attempts_per_minute: int = 1000) -> SignInTrials:
    """Trials with counters of their own."""
    return build_trials(directories, b"k" * 32, attempts_per_minute=attempts_per_minute)


async def tried(directories: Directories, user: str = "ida", password: str = "right") -> Trial:
    """What comes of a name and password, for the operator of the machine."""
    return await trials_of(directories).sign_in(OPERATOR, "corp", user, password, Origin(), NOW)


@pytest.fixture
def ida(corp: FakeDirectory) -> str:
    """Somebody with a password and a group; her key."""
    [key] = corp.add("ida")
    corp.group("Leads", [key])
    corp.passwords["ida"] = "right"
    return key


async def test_it_says_whether_somebody_is_known_here(build: Build, ida: str) -> None:
    """Before and after the first sync; her groups are told, and she does not get in by it."""
    directories = build()
    first = await tried(directories)
    assert (first.is_ok, first.groups, "would get an account" in first.said) == (True, ("Leads",), True)
    await directories.sync(OPERATOR, "corp")
    known = await tried(directories)
    assert (known.is_ok, known.user and known.user.key, "known here" in known.said) == (True, ida, True)
    assert (await ledger_events())["session.created"] == 0


async def test_whoever_is_disabled_here_or_there_is_told_apart(build: Build, corp: FakeDirectory, ida: str) -> None:
    """By an administrator, by the directory with a refusal, and by the directory after it took the password."""
    directories = build()
    await directories.sync(OPERATOR, "corp")
    async with transaction():
        await accounts.link(
            OPERATOR,
            Source(SourceKind.SCIM, "entra"),
            accounts.Profile(key="1", user_name="ida", display_name="Ida", email=""),
            (await _account(ida)).person_id,
            NOW,
        )
        await accounts.disable(OPERATOR, Source(SourceKind.SCIM, "entra"), ["1"], NOW, cause="gone")
    assert (await tried(directories)).cause == "person_disabled"
    corp.change(ida, is_disabled=True)
    assert (await tried(directories)).cause == "disabled"


async def _account(key: str) -> accounts.Account:
    found = await accounts.find_account(CORP, key)
    assert found
    return found


async def test_whom_sync_has_not_enabled_again_has_to_wait_for_it(build: Build, corp: FakeDirectory, ida: str) -> None:
    """A sign-in enables nobody where sync runs, and does where it does not."""
    directories = build()
    await directories.sync(OPERATOR, "corp")
    async with transaction():
        await accounts.disable(OPERATOR, CORP, [ida], NOW, cause="disabled")
    trial = await tried(directories)
    assert (trial.is_ok, trial.cause, "sync" in trial.next_step) == (False, "account_disabled", True)
    assert (await tried(build(sync_seconds=0))).is_ok
    assert corp.name == "corp"


class Lax(FakeDirectory):
    """A directory that takes the passwords of people whom it has disabled."""

    async def authenticate(self, user: str, password: str) -> DirectoryUser:
        """Whoever has this name."""
        found = await self.find(user)
        assert found, password
        return found


async def test_a_password_that_is_taken_lets_nobody_in_who_is_disabled(
    committed_database: TestDatabase, hands: Hands
) -> None:
    """Some servers leave that to whoever asks."""
    assert committed_database
    lax = Lax()
    lax.change(lax.add("ida")[0], is_disabled=True)
    trial = await tried(Directories([lax], {"corp": settings()}, hands))
    assert (trial.is_ok, trial.cause) == (False, "disabled")


async def test_nobody_new_is_let_in_where_the_settings_say_so(build: Build, ida: str) -> None:
    """The next step names the setting."""
    trial = await tried(build(create_people=False))
    assert (trial.cause, "create_people" in trial.next_step, bool(ida)) == ("account_unknown", True, True)


async def test_attempts_are_counted_as_those_of_everybody(build: Build, corp: FakeDirectory, ida: str) -> None:
    """Three wrong passwords reach the directory; one that it never got counts for nothing with direct bind."""
    directories = build()
    causes = [(await tried(directories, password="guess")).cause for _ in range(4)]
    assert causes == ["wrong", "wrong", "wrong", "attempts_spent"]
    direct = build(bind="direct", bind_template="uid={user},ou=people")
    corp.fault = Fault.ERROR
    assert [(await tried(direct, user="ben")).cause for _ in range(5)] == ["directory_unavailable"] * 5
    assert bool(ida)


async def test_one_caller_tries_so_often_and_no_more(build: Build, ida: str) -> None:
    """The throttle of the sign-in page holds here too."""
    trials = trials_of(build(), attempts_per_minute=2)
    origin, taken = Origin(address="192.0.2.1"), 0
    with suppress(SignInThrottledError):
        for taken in range(20):
            await trials.sign_in(OPERATOR, "corp", f"nobody{taken}", "x", origin, NOW)
    assert (0 < taken < 19, bool(ida)) == (True, True)


async def test_only_who_manages_people_may_try(build: Build, ida: str) -> None:
    """Nobody else may; their attempt is in the ledger, and the directory was not asked."""
    directories = build()
    with pytest.raises(RoleChangeRefusedError):
        await trials_of(directories).sign_in(NOBODY, "corp", "ida", "right", Origin(), NOW)
    assert (await ledger_facts("role_change.refused"))[-1]["change"] == "try_sign_in"
    assert (await enabled(), bool(ida)) == ({}, True)
