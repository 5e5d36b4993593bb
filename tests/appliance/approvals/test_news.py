"""Who hears that an ask has changed: people who may see it, and nobody else."""

import asyncio
from uuid import UUID

import pytest

from appliance.actions.records import AskTerms
from appliance.approvals.news import TOGETHER_MAX, AskNews, may_see
from appliance.approvals.records import Ask
from appliance.approvals.service import Approvals
from appliance.database.connection import disconnect
from appliance.database.identifiers import uuid7
from appliance.feed import Feed, Subscription
from appliance.identity.records import Reader, Role, ScopedRole, SessionKind, SignedIn
from tests.support.asks import KEY, opened
from tests.support.decisions import IDA, NOON
from tests.support.postgres import TestDatabase, TestPostgres

TOPICS = frozenset({"approvals"})
Heard = dict[str, bool]


def person(
    *roles: Role, email: str = "x@example.org", person_id: UUID | None = None,
    groups: tuple[str, ...] = (), scoped: tuple[ScopedRole, ...] = (),
) -> SignedIn:  # fmt: skip
    """Somebody who is signed in."""
    return SignedIn(
        session_id=uuid7(), kind=SessionKind.BROWSER, person_id=person_id or uuid7(), display_name="X", email=email,
        roles=frozenset(roles), created_at=NOON, expires_at=NOON, groups=frozenset(groups), scoped=frozenset(scoped),
    )  # fmt: skip


@pytest.fixture
def feed() -> Feed[Reader]:
    """A feed without a window."""
    return Feed[Reader](window_seconds=0)


async def _told(feed: Feed[Reader], people: dict[str, SignedIn], payloads: list[str]) -> Heard:
    """Who heard of what the payloads name."""
    news = AskNews(feed)
    await news.start()
    streams = {name: Subscription[Reader](who, TOPICS, 0.0) for name, who in people.items()}
    for stream in streams.values():
        feed._open[stream] = stream
    for payload in payloads:
        news.heard(payload)
    heard = await asyncio.gather(*(stream.changed(heartbeat_seconds=0.4) for stream in streams.values()))
    await news.stop()
    return {name: bool(topics) for name, topics in zip(streams, heard, strict=True)}


async def _ask(*roles: str) -> Ask:
    return await opened(Approvals(KEY, mask=str), AskTerms(roles=roles))


PEOPLE = {
    "requester": person(Role.MEMBER, person_id=IDA.person_id),
    "requester by address": person(Role.MEMBER, email=IDA.email.upper()),
    "approver": person(Role.APPROVER),
    "auditor": person(Role.AUDITOR),
    "in the group": person(Role.MEMBER, groups=("payments",)),
    "for the project": person(Role.MEMBER, scoped=(ScopedRole("approver", "/src/billing"),)),
    "for another project": person(Role.MEMBER, scoped=(ScopedRole("approver", "/src/other"),)),
    "another member": person(Role.MEMBER),
}


async def test_only_people_who_may_see_an_ask_hear_of_it(committed_database: TestDatabase, feed: Feed[Reader]) -> None:
    """By what the ask names: groups, roles for its project, and the requester; readers of all asks hear of all."""
    always = {"requester": True, "requester by address": True, "approver": True, "auditor": True}
    never = {"for another project": False, "another member": False}
    for_group = await _told(feed, PEOPLE, [str((await _ask("group:payments")).id)])
    assert for_group == {**always, **never, "in the group": True, "for the project": False}
    for_role = await _told(feed, PEOPLE, [str((await _ask("approver")).id)])
    assert for_role == {**always, **never, "in the group": False, "for the project": True}


async def test_after_a_gap_everybody_hears(feed: Feed[Reader]) -> None:
    """What was missed is known to nobody, so all catch up; that needs no database."""
    assert all((await _told(feed, PEOPLE, [""])).values())


async def test_a_flood_is_told_to_everybody(feed: Feed[Reader]) -> None:
    """Hundreds of asks at once are not read one by one."""
    assert all((await _told(feed, PEOPLE, [str(uuid7()) for _ in range(TOGETHER_MAX + 1)])).values())


async def test_an_ask_that_is_gone_concerns_nobody_in_particular(
    committed_database: TestDatabase, feed: Feed[Reader]
) -> None:
    """An identifier without an ask wakes nobody."""
    assert not any((await _told(feed, PEOPLE, [str(uuid7())])).values())


async def test_a_burst_is_one_look_at_the_database(committed_database: TestDatabase, feed: Feed[Reader]) -> None:
    """Asks that change while another look runs are read together."""
    asks = [await _ask("group:payments"), await _ask("group:payments")]
    assert (await _told(feed, {"in": PEOPLE["in the group"]}, [str(ask.id) for ask in asks])) == {"in": True}
    assert may_see(PEOPLE["in the group"], asks[0])
    assert not may_see(PEOPLE["another member"], asks[0])


async def test_without_the_database_everybody_catches_up(postgres: TestPostgres, feed: Feed[Reader]) -> None:
    """Rather a page that looks in vain than one that waits for ever."""
    await disconnect()
    assert all((await _told(feed, PEOPLE, [str(uuid7())])).values())
