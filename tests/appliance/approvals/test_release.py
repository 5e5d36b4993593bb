"""An approval lets exactly the call go that it was given for, once, while it is valid."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from appliance.approvals import rules
from appliance.approvals.errors import (
    AskClosedError,
    AskExpiredError,
    AskUnknownError,
    BindingMismatchError,
)
from appliance.approvals.jobs import jobs
from appliance.approvals.queries import ask_by_id, open_ask_for
from appliance.approvals.records import AskState
from appliance.approvals.service import Approvals
from appliance.database.connection import current_connection
from appliance.database.errors import DatabaseError
from appliance.database.identifiers import uuid7
from appliance.database.transaction import transaction
from tests.support.asks import (
    ACTION_HASH,
    KEY,
    MACHINE,
    SOON,
    allow,
    approver,
    codes,
    deny,
    events_of,
    new_ask,
    opened,
    release,
)
from tests.support.decisions import NOON

pytestmark = pytest.mark.usefixtures("committed_database")


@pytest.fixture
def approvals() -> Approvals:
    """The verbs, with the test's key."""
    return Approvals(KEY, mask=str)


@pytest.fixture
def attach_key() -> bytes:
    """That of one call."""
    return uuid7().bytes * 2


async def open_again(approvals: Approvals, attach_key: bytes, *, seconds_later: float) -> bool:
    """Whether the same call can open a new ask then."""
    async with transaction():
        new = new_ask(attach_key=attach_key, at=NOON + timedelta(seconds=seconds_later))
        return await approvals.open(new, MACHINE)


async def test_an_allowed_call_is_let_go_once(approvals: Approvals) -> None:
    """The second attempt is refused and recorded."""
    ask = await opened(approvals)
    await allow(approvals, ask, approver("Bob"), guidance="go")
    released = await release(approvals, ask)
    assert (released.resolved_by, released.guidance) == ("Bob", "go")
    after = await ask_by_id(ask.id)
    assert (after.state, after.released_at) == (AskState.RELEASED, SOON)
    with pytest.raises(AskClosedError, match="already released"):
        await release(approvals, ask)
    assert await events_of(ask) == ["opened", "answered", "allowed", "released", "release_refused:ask_closed"]


async def test_fifty_releases_at_once_let_one_call_go(approvals: Approvals) -> None:
    """However many processes hold the same call."""
    ask = await opened(approvals)
    await allow(approvals, ask, approver("Bob"))
    results = await asyncio.gather(*(release(Approvals(KEY, mask=str), ask) for _ in range(50)), return_exceptions=True)
    assert codes(list(results)) == ["ask_closed"] * 49 + ["ok"]
    assert (await events_of(ask)).count("released") == 1


@pytest.mark.parametrize("answer", [None, deny])
async def test_what_was_not_allowed_is_not_let_go(approvals: Approvals, answer: object) -> None:
    """Neither while it waits nor after a deny."""
    ask = await opened(approvals)
    if answer is deny:
        await deny(approvals, ask, approver("Bob"))
    with pytest.raises(AskClosedError):
        await release(approvals, ask)
    assert (await events_of(ask))[-1] == "release_refused:ask_closed"


@pytest.mark.parametrize("is_disabled", [False, True])
async def test_what_lost_its_access_meanwhile_is_not_let_go(approvals: Approvals, is_disabled: bool) -> None:  # noqa: FBT001 - a case
    """A machine that was revoked, or whose person was disabled, while its call was held."""
    ask, machine, person = await opened(approvals), uuid7(), uuid7()
    async with transaction():
        connection = current_connection()
        await connection.execute(
            "INSERT INTO person (id, display_name, email, is_disabled, created_at) VALUES ($1, 'Ida', $2, $3, $4)",
            person, f"{person}@example.org", is_disabled, NOON,
        )  # fmt: skip
        await connection.execute(
            "INSERT INTO machine (id, token_hash, deployment_token_id, hostname, platform, os_release, client_version, "
            "mode, email, display_name, person_id, enrolled_at, revoked_at) "
            "VALUES ($1, $2, $1, 'laptop', '', '', '', '', '', '', $3, $4, $5)",
            machine, machine.bytes * 2, person, NOON, None if is_disabled else NOON,
        )  # fmt: skip
        await connection.execute("UPDATE ask SET machine_id = $2 WHERE id = $1", ask.id, machine)
        rebound = rules.binding_of(KEY, msgspec.structs.replace(ask, machine_id=machine), ACTION_HASH)
        await connection.execute("UPDATE ask SET binding = $2 WHERE id = $1", ask.id, rebound)
    await allow(approvals, await ask_by_id(ask.id), approver())
    with pytest.raises(AskClosedError, match="lost its access"):
        await release(approvals, ask)
    assert (await events_of(ask))[-1] == "release_refused:ask_closed"


async def test_an_approval_does_not_last_beyond_its_expiry(approvals: Approvals) -> None:
    """Allowed in time, asked for too late: it expires, and that is recorded."""
    ask = await opened(approvals, seconds=60)
    await allow(approvals, ask, approver("Bob"))
    with pytest.raises(AskExpiredError):
        await release(approvals, ask, now=ask.expires_at)
    assert (await ask_by_id(ask.id)).state is AskState.EXPIRED
    assert (await events_of(ask))[-2:] == ["expired", "release_refused:ask_expired"]


async def test_changed_arguments_are_not_let_go(approvals: Approvals) -> None:
    """The live call's own hash is compared; the approval stays for the call that it is for."""
    ask = await opened(approvals)
    await allow(approvals, ask, approver("Bob"))
    with pytest.raises(BindingMismatchError):
        await release(approvals, ask, action_hash=b"i" * 32)
    assert (await events_of(ask))[-1] == "release_refused:binding_mismatch"
    await release(approvals, ask)


@pytest.mark.parametrize(
    "change",
    [
        "machine_id = '00000000-0000-0000-0000-000000000009'",
        "person_id = NULL",
        "policy_version = 2",
        "expires_at = expires_at + interval '1 day'",
    ],
)
async def test_an_ask_that_was_changed_in_the_database_is_not_let_go(approvals: Approvals, change: str) -> None:
    """Machine, person, policy version and expiry are part of what was answered."""
    ask = await opened(approvals)
    await allow(approvals, ask, approver("Bob"))
    async with transaction():
        await current_connection().execute(f"UPDATE ask SET {change} WHERE id = $1", ask.id)  # noqa: S608 - this test's
    with pytest.raises(BindingMismatchError):
        await release(approvals, ask)
    assert (await ask_by_id(ask.id)).state is AskState.ALLOWED


async def test_a_binding_written_into_the_database_does_not_help(approvals: Approvals) -> None:
    """Whoever can write there lacks the nonce's key."""
    ask, other = await opened(approvals), await opened(approvals)
    await allow(approvals, ask, approver("Bob"))
    async with transaction():
        await current_connection().execute("UPDATE ask SET binding = $2 WHERE id = $1", ask.id, other.binding)
    with pytest.raises(BindingMismatchError):
        await release(approvals, ask)


async def test_nothing_is_let_go_for_an_ask_that_is_not_there(approvals: Approvals) -> None:
    """A database that was restored to yesterday knows nothing of it."""
    with pytest.raises(AskUnknownError):
        await approvals.release(uuid7(), ACTION_HASH, MACHINE, SOON)


async def test_a_release_that_could_not_be_recorded_did_not_happen(
    approvals: Approvals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its ledger entry and its state commit together."""
    ask = await opened(approvals)
    await allow(approvals, ask, approver("Bob"))

    async def fails(*_: object, **__: object) -> None:
        raise DatabaseError

    with monkeypatch.context() as patched:
        patched.setattr("appliance.approvals.service.append", fails)
        with pytest.raises(DatabaseError):
            await release(approvals, ask)
    assert (await ask_by_id(ask.id)).state is AskState.ALLOWED
    assert (await release(approvals, ask)).id == ask.id


async def test_one_call_has_one_open_ask(approvals: Approvals, attach_key: bytes) -> None:
    """Fifty repeats at the same instant open one; the others join it."""

    async def attempt() -> bool:
        async with transaction():
            return await approvals.open(new_ask(attach_key=attach_key), MACHINE)

    results = await asyncio.gather(*(attempt() for _ in range(50)))
    assert results.count(True) == 1
    found = await open_ask_for(attach_key, SOON)
    assert found is not None
    assert await events_of(found) == ["opened"]


async def test_a_repeat_finds_its_ask_until_it_has_ended(approvals: Approvals, attach_key: bytes) -> None:
    """Pending or allowed, in any process, also after a restart; never one that is over."""
    ask = await opened(approvals, attach_key=attach_key)
    assert await open_ask_for(attach_key, SOON) == ask
    await allow(approvals, ask, approver("Bob"))
    attached = await open_ask_for(attach_key, SOON)
    assert attached is not None
    assert attached.state is AskState.ALLOWED
    assert await open_ask_for(attach_key, ask.expires_at) is None
    assert not await open_again(approvals, attach_key, seconds_later=2)
    await release(Approvals(KEY, mask=str), ask)
    assert await open_ask_for(attach_key, SOON) is None
    assert await open_again(approvals, attach_key, seconds_later=2)


async def test_an_ask_that_expired_makes_room_for_a_new_one(approvals: Approvals, attach_key: bytes) -> None:
    """Although nobody has ended it yet; its end is recorded."""
    ask = await opened(approvals, seconds=60, attach_key=attach_key)
    assert not await open_again(approvals, attach_key, seconds_later=59)
    assert await open_again(approvals, attach_key, seconds_later=60)
    assert await events_of(ask) == ["opened", "expired"]
    new = await open_ask_for(attach_key, NOON + timedelta(seconds=61))
    assert new is not None
    assert new.id != ask.id


async def test_the_job_ends_what_is_overdue(approvals: Approvals) -> None:
    """Unanswered, or allowed and never fetched; twice does no harm, and what is in time stays."""
    late, allowed = await opened(approvals, seconds=60), await opened(approvals, seconds=60)
    waiting, denied = await opened(approvals, seconds=3600), await opened(approvals, seconds=60)
    await allow(approvals, allowed, approver("Bob"))
    await deny(approvals, denied, approver("Bob"))
    (job,) = jobs(approvals, lambda: NOON + timedelta(seconds=61))
    await asyncio.gather(job.run(), job.run())
    await job.run()
    states = [(await ask_by_id(ask.id)).state.value for ask in (late, allowed, waiting, denied)]
    assert states == ["expired", "expired", "pending", "denied"]
    assert (await events_of(late)).count("expired") == 1


async def test_expiry_goes_in_batches(approvals: Approvals) -> None:
    """A long outage does not become one long transaction."""
    for _ in range(5):
        await opened(approvals, seconds=1)
    now = NOON + timedelta(seconds=2)
    assert [await approvals.expire_due(now, limit=2) for _ in range(4)] == [2, 2, 1, 0]
