"""A held call ends with its ask, its time, its caller or the service, whichever is first; the ledger knows which."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from appliance.actions.records import AskTerms
from appliance.approvals.errors import AskUnknownError
from appliance.approvals.queries import ask_by_id
from appliance.approvals.records import Ask, AskState
from appliance.approvals.service import CHANNEL, Approvals
from appliance.approvals.waiters import Waiters
from appliance.database.connection import connect, disconnect
from appliance.database.errors import DatabaseError
from appliance.database.identifiers import uuid7
from appliance.database.listener import Listener
from appliance.decisions.errors import NotRecordedError
from appliance.decisions.holds import Holds, expires_at
from tests.support.asks import ACTION_HASH, KEY, MACHINE, SOON, allow, approver, deny, events_of, opened, release
from tests.support.decisions import NOON
from tests.support.postgres import TestDatabase

Held = tuple[bool, str]


class Service:
    """What one process needs to hold calls."""

    def __init__(self, url: str) -> None:
        self.now = SOON
        self.approvals = Approvals(KEY, mask=str)
        self.waiters = Waiters()
        self.holds = Holds(self.approvals, self.waiters, lambda: self.now)
        self.listener = Listener(url, {CHANNEL: self.waiters.wake})

    async def hold(
        self,
        ask: Ask | UUID,
        seconds: float = 20,
        *,
        action_hash: bytes = ACTION_HASH,
        is_gone: Callable[[], bool] = lambda: False,
        event: asyncio.Event | None = None,
    ) -> Held:
        """One held call; (whether it goes, the words for the agent)."""
        identifier = ask if isinstance(ask, UUID) else ask.id
        with self.waiters.join(identifier) as joined:
            if event is not None:
                event.set()
            held = await self.holds.until_answered(
                identifier, joined, action_hash=action_hash, actor=MACHINE, seconds=seconds, is_gone=is_gone
            )
        return held.released is not None, held.words

    async def held(self, ask: Ask, seconds: float = 20) -> asyncio.Task[Held]:
        """A call that is held already."""
        begun = asyncio.Event()
        task = asyncio.create_task(self.hold(ask, seconds, event=begun))
        await begun.wait()
        await asyncio.sleep(0.05)
        return task


@pytest.fixture
async def service(committed_database: TestDatabase) -> AsyncIterator[Service]:
    """A process that hears what is committed."""
    service = Service(committed_database.service_url)
    await service.listener.start()
    yield service
    await service.listener.stop()


async def within(task: asyncio.Task[Held], seconds: float = 2) -> Held:
    return await asyncio.wait_for(task, seconds)


async def test_an_answer_lets_the_held_call_go_at_once(service: Service) -> None:
    """With who allowed it and what that person said; the release is recorded."""
    ask = await opened(service.approvals)
    call = await service.held(ask)
    await allow(service.approvals, ask, approver("Bob"), guidance="only build/")
    assert await within(call) == (True, "Allowed by Bob: only build/")
    assert await events_of(ask) == ["opened", "answered", "allowed", "released"]


@pytest.mark.parametrize(("guidance", "words"), [("Use staging", "Denied by Bob: Use staging"), ("", "Denied by Bob.")])
async def test_a_deny_reaches_the_agent_with_its_guidance(service: Service, guidance: str, words: str) -> None:
    """Nothing is released."""
    ask = await opened(service.approvals)
    call = await service.held(ask)
    await deny(service.approvals, ask, approver("Bob"), guidance=guidance)
    assert await within(call) == (False, words)
    assert "released" not in await events_of(ask)


async def test_an_answer_that_came_before_the_hold_is_not_waited_for(service: Service) -> None:
    """A repeated call finds its ask answered."""
    ask = await opened(service.approvals)
    await allow(service.approvals, ask, approver("Bob"))
    assert await service.hold(ask) == (True, "Allowed by Bob")
    is_allowed, words = await service.hold(ask)
    assert not is_allowed
    assert "already released" in words


async def test_of_two_held_calls_of_one_ask_one_goes(service: Service) -> None:
    """The other is denied and told to ask anew."""
    ask = await opened(service.approvals)
    calls = [await service.held(ask) for _ in range(5)]
    await allow(service.approvals, ask, approver("Bob"))
    results = [await within(call) for call in calls]
    assert [is_allowed for is_allowed, _ in results].count(True) == 1
    assert (await events_of(ask)).count("released") == 1


async def test_while_the_quorum_is_incomplete_the_call_is_held_on(service: Service) -> None:
    """The first of two allows does not let it go."""
    ask = await opened(service.approvals, AskTerms(quorum=2))
    call = await service.held(ask)
    await allow(service.approvals, ask, approver("Bob"))
    await asyncio.sleep(0.2)
    assert not call.done()
    await allow(service.approvals, ask, approver("Eve"))
    assert (await within(call))[0]


async def test_at_the_end_of_its_hold_the_call_is_denied_and_the_ask_lives_on(service: Service) -> None:
    """The agent is told to repeat the call; the repeat gets the answer."""
    ask = await opened(service.approvals)
    is_allowed, words = await service.hold(ask, 0.1)
    assert not is_allowed
    assert words.startswith("The ask is still waiting for an answer. Nothing was run. Repeat the same call")
    assert str(ask.id) in words
    assert await events_of(ask) == ["opened", "hold_ended"]
    await allow(service.approvals, ask, approver("Bob"))
    assert (await service.hold(ask))[0]


async def test_the_number_of_an_ask_is_not_for_its_agent(service: Service) -> None:
    """It could show it to whoever answers; its words say only where its person finds it."""
    for _ in range(3):
        ask = await opened(service.approvals, AskTerms(match_number=True))
        _, words = await service.hold(ask, 0.05)
        told = words.replace(str(ask.id), "")
        assert not any(character.isdigit() for character in told), told
        assert "Your person sees a number on the page of this ask" in told


async def test_an_ask_that_expires_denies_the_held_call(service: Service) -> None:
    """The held call itself ends it when its time has come."""
    ask = await opened(service.approvals, seconds=1.3)
    begun = asyncio.get_running_loop().time()

    def passing() -> datetime:
        return SOON + timedelta(seconds=asyncio.get_running_loop().time() - begun)

    service.holds._clock = passing
    assert await service.hold(ask) == (False, "Nobody answered in time, so the ask was denied.")
    assert (await ask_by_id(ask.id)).state is AskState.EXPIRED


async def test_another_action_than_the_approved_one_is_denied(service: Service) -> None:
    """With words that a person understands."""
    ask = await opened(service.approvals)
    await allow(service.approvals, ask, approver("Bob"))
    is_allowed, words = await service.hold(ask, action_hash=b"x" * 32)
    assert not is_allowed
    assert "another action" in words


async def test_an_approval_that_is_too_old_is_denied(service: Service) -> None:
    """Allowed in time, fetched too late."""
    ask = await opened(service.approvals, seconds=60)
    await allow(service.approvals, ask, approver("Bob"))
    service.now = ask.expires_at
    is_allowed, words = await service.hold(ask)
    assert not is_allowed
    assert "expired" in words


async def test_a_caller_that_hung_up_gets_no_release(service: Service) -> None:
    """Nobody would hear of it: the approval stays for the repeat."""
    ask, gone = await opened(service.approvals), False
    with service.waiters.join(ask.id) as event:
        call = asyncio.create_task(
            service.holds.until_answered(
                ask.id, event, action_hash=ACTION_HASH, actor=MACHINE, seconds=20, is_gone=lambda: gone
            )
        )
        await asyncio.sleep(0.1)
        gone = True
        await allow(service.approvals, ask, approver("Bob"))
        assert (await asyncio.wait_for(call, 2)).released is None
    assert await events_of(ask) == ["opened", "answered", "allowed", "hold_ended"]
    assert (await service.hold(ask))[0]


async def test_a_stop_of_the_service_answers_held_calls(service: Service) -> None:
    """They are told to repeat; the ask stays open."""
    ask = await opened(service.approvals)
    call = await service.held(ask)
    service.waiters.close()
    is_allowed, words = await within(call)
    assert not is_allowed
    assert words.startswith("The service is restarting.")
    assert (await events_of(ask))[-1] == "hold_ended"


async def test_a_call_is_held_through_an_outage_of_the_database(
    service: Service, committed_database: TestDatabase
) -> None:
    """The database goes and comes back: the answer still reaches the call."""
    ask = await opened(service.approvals)
    call = await service.held(ask)
    await disconnect()
    service.waiters.wake(str(ask.id))
    await asyncio.sleep(0.7)
    assert not call.done()
    await connect(committed_database.service_url)
    await allow(service.approvals, ask, approver("Bob"))
    assert (await within(call))[0]


async def test_a_release_that_cannot_be_recorded_is_a_deny(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the approval is not used up."""
    ask = await opened(service.approvals)
    await allow(service.approvals, ask, approver("Bob"))

    async def fails(*_: object) -> Ask:
        raise DatabaseError

    with monkeypatch.context() as patched:
        patched.setattr(service.approvals, "release", fails)
        with pytest.raises(NotRecordedError):
            await service.hold(ask)
    assert (await release(service.approvals, ask)).id == ask.id


async def test_an_outage_at_the_end_of_the_hold_is_a_deny(service: Service) -> None:
    """What could not be recorded is not told as if it was."""
    ask = await opened(service.approvals)
    await disconnect()
    with pytest.raises(NotRecordedError):
        await service.hold(ask, 0.2)


async def test_an_outage_at_the_expiry_is_a_deny(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """The call does not wait for the database for ever."""
    ask = await opened(service.approvals, seconds=60)
    service.now = ask.expires_at

    async def fails(_now: datetime) -> int:
        raise DatabaseError

    monkeypatch.setattr(service.approvals, "expire_due", fails)
    with pytest.raises(NotRecordedError):
        await service.hold(ask)


async def test_an_unknown_ask_ends_the_hold(service: Service) -> None:
    """A database that was restored to yesterday knows nothing of it."""
    with pytest.raises(AskUnknownError):
        await service.hold(uuid7())


def test_an_expiry_is_cut_to_what_the_binding_writes() -> None:
    """Milliseconds, so that a stored moment and a bound one are the same text."""
    moment = NOON.replace(microsecond=123_999)
    assert expires_at(moment, 1.5) == NOON.replace(microsecond=623_000) + timedelta(seconds=1)
    assert expires_at(moment, 0.0001).microsecond % 1000 == 0
