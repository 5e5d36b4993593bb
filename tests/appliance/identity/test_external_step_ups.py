"""Step-up of people who sign in by a directory: its password once more, for that very person."""

from datetime import timedelta

import pytest

from appliance.identity.directories.errors import DirectoryUnavailableError, DirectoryUnknownError
from appliance.identity.errors import StepUpFailedError, StepUpRequiredError
from appliance.identity.records import SignedIn
from appliance.identity.service import Identity
from tests.support.directory_sign_in import RIGHT, CountingDirectory, sign_ins
from tests.support.fake_directory import Fault
from tests.support.people import HERE, NOW, Someone, ledger_facts

LATER = NOW + timedelta(minutes=1)


@pytest.fixture
def corp() -> CountingDirectory:
    """A directory with Ida and Bob."""
    made = CountingDirectory()
    made.add("ida", "bob")
    made.passwords |= {"ida": RIGHT, "bob": "Winter-Regen 8"}
    return made


@pytest.fixture
async def ida(identity: Identity, corp: CountingDirectory) -> SignedIn:
    """Ida at a browser."""
    session = await sign_ins(identity, corp).by_directory("corp", "ida", RIGHT, HERE, NOW)
    found = await identity.sessions.authenticate(session.token, NOW)
    assert found
    return found


async def test_the_directorys_password_proves_it(identity: Identity, corp: CountingDirectory, ida: SignedIn) -> None:
    """A sign-in by password alone is no proof by itself; given again in the session it is, by exactly one bind."""
    with pytest.raises(StepUpRequiredError):
        identity.step_ups.check(ida, NOW)
    corp.binds.clear()
    renewed = await sign_ins(identity, corp).confirm("corp", ida, RIGHT, HERE, LATER)
    found = await identity.sessions.authenticate(renewed.token, LATER)
    assert found is not None
    assert found.session_id == ida.session_id
    identity.step_ups.check(found, LATER)
    assert corp.binds == ["ida"]
    assert await ledger_facts("session.stepped_up") == [{"how": "directory"}]


@pytest.mark.parametrize("password", ["wrong", "Winter-Regen 8", "", None, ["x"], "a\0b"])
async def test_no_other_password_does(
    identity: Identity, corp: CountingDirectory, ida: SignedIn, password: object
) -> None:
    """Not a colleague's, not an empty one, which would be an anonymous bind."""
    with pytest.raises(StepUpFailedError):
        await sign_ins(identity, corp).confirm("corp", ida, password, HERE, LATER)
    assert len(await ledger_facts("session.step_up_refused")) == 1
    assert await ledger_facts("session.stepped_up") == []


async def test_only_the_persons_own_directory_is_asked(
    identity: Identity, corp: CountingDirectory, ida: SignedIn, owner: Someone
) -> None:
    """Neither another directory, nor one for somebody who has no account there."""
    corp.binds.clear()
    session = await identity.sessions.authenticate(owner.token, NOW)
    assert session
    for name, signed_in in (("other", ida), ("corp", session)):
        with pytest.raises(DirectoryUnknownError):
            await sign_ins(identity, corp).confirm(name, signed_in, RIGHT, HERE, LATER)
    assert corp.binds == []


async def test_a_directory_that_is_down_is_nobodys_failure(
    identity: Identity, corp: CountingDirectory, ida: SignedIn
) -> None:
    """It is told as it is, and no attempt is counted."""
    corp.fault = Fault.ERROR
    for _ in range(12):
        with pytest.raises(DirectoryUnavailableError):
            await sign_ins(identity, corp).confirm("corp", ida, RIGHT, HERE, LATER)
    corp.fault = Fault.NONE
    assert await sign_ins(identity, corp).confirm("corp", ida, RIGHT, HERE, LATER)
