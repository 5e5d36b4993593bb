"""Open streams end with their session, and know what their reader may do at each moment."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from appliance.database.connection import disconnect
from appliance.feed import Feed
from appliance.identity.records import Reader, Role, SignedIn
from appliance.identity.service import Identity
from appliance.identity.streams import Stream, Streams
from tests.support.people import NOW, OPERATOR, Someone, make_owner, make_person

TOPICS = frozenset({"approvals", "people"})


class Clock:
    """A clock that stands until somebody moves it."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Stands at NOW."""
    return Clock()


@pytest.fixture
async def streams(committed: Identity, clock: Clock) -> AsyncIterator[Streams]:
    """The streams of a process."""
    made = Streams(Feed[Reader](window_seconds=0), committed.sessions, clock)
    await made.start()
    yield made
    await made.stop()


async def _signed_in(identity: Identity, someone: Someone) -> SignedIn:
    found = await identity.sessions.authenticate(someone.token, NOW)
    assert found
    return found


async def _is_closed(stream: Stream) -> bool:
    for _ in range(100):
        if stream.is_closed:
            return True
        await asyncio.sleep(0.01)
    return False


async def test_a_stream_ends_with_its_session(committed: Identity, streams: Streams) -> None:
    """At once when it is ended, for whatever reason; those of others go on."""
    owner = await make_owner(committed, NOW)
    mia = await make_person(committed, Role.MEMBER, "mia@example.org", NOW)
    with (
        streams.opened(await _signed_in(committed, owner), owner.token, TOPICS) as kept,
        streams.opened(await _signed_in(committed, mia), mia.token, TOPICS) as ended,
    ):
        await committed.sessions.revoke_all(owner.actor, mia.id, NOW)
        streams.people_changed(str(mia.id))
        assert await _is_closed(ended)
        assert not kept.is_closed


async def test_a_session_that_runs_out_ends_its_streams(committed: Identity, streams: Streams, clock: Clock) -> None:
    """Nobody tells of that: the regular look finds it."""
    owner = await make_owner(committed, NOW)
    with streams.opened(await _signed_in(committed, owner), owner.token, TOPICS) as stream:
        await streams._check([stream])
        assert not stream.is_closed
        clock.now += timedelta(minutes=61)
        await streams._check([stream])
        assert stream.is_closed


async def test_other_rights_are_other_news(committed: Identity, streams: Streams) -> None:
    """Who gains or loses a role hears from then on what concerns the new one, and first of all that it is so."""
    await make_owner(committed, NOW)
    mia = await make_person(committed, Role.MEMBER, "mia@example.org", NOW)
    with streams.opened(await _signed_in(committed, mia), mia.token, TOPICS) as stream:
        await committed.people.grant_role(OPERATOR, mia.id, Role.AUDITOR, NOW)
        streams.people_changed("")
        assert await asyncio.wait_for(stream.changed(), 2) == TOPICS
        assert isinstance(stream.who, SignedIn)
        assert Role.AUDITOR in stream.who.roles


async def test_a_proof_gives_the_session_another_token(committed: Identity, streams: Streams) -> None:
    """A stream of the token from before ends, as everything else of it does."""
    owner = await make_owner(committed, NOW)
    signed_in = await _signed_in(committed, owner)
    with streams.opened(signed_in, owner.token, TOPICS) as stream:
        await committed.sessions.steps_up(signed_in.session_id, "totp", NOW)
        streams.people_changed(str(owner.id))
        assert await _is_closed(stream)


async def test_a_database_that_is_away_ends_no_stream(committed: Identity, streams: Streams) -> None:
    """The look is made up for when it is back; until then nobody is cut off, and nothing can be told anyway."""
    owner = await make_owner(committed, NOW)
    with streams.opened(await _signed_in(committed, owner), owner.token, TOPICS) as stream:
        await disconnect()
        assert not await streams._check([stream])
        assert not stream.is_closed
