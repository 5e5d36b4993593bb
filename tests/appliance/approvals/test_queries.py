"""Lists of asks: the oldest first while they wait, the newest first once they have ended."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from appliance.actions.records import AskTerms
from appliance.approvals.errors import AskUnknownError
from appliance.approvals.queries import ask_by_id, count_pending, locked_ask, pending_asks, recent_asks
from appliance.approvals.records import AskState
from appliance.approvals.rules import is_named
from appliance.approvals.service import Approvals
from appliance.database.identifiers import uuid7
from appliance.identity.records import ScopedRole
from tests.support.asks import KEY, approver, deny, opened
from tests.support.decisions import IDA, NOON

pytestmark = pytest.mark.usefixtures("rolled_back_database")


async def test_waiting_asks_come_in_pages_oldest_first() -> None:
    """Nothing hides the oldest, nor the newest; what is overdue is not waiting."""
    approvals = Approvals(KEY, mask=str)
    asks = [await opened(approvals) for _ in range(5)]
    await opened(approvals, seconds=1)
    ended = await opened(approvals)
    await deny(approvals, ended, approver())
    now = NOON + timedelta(seconds=1)
    first = await pending_asks(now, limit=3)
    rest = await pending_asks(now, limit=3, after=first[-1].id)
    assert [ask.id for ask in [*first, *rest]] == [ask.id for ask in asks]
    assert await count_pending(now) == await count_pending(now, IDA.machine_id) == 5
    assert await count_pending(now, uuid7()) == 0
    assert await count_pending(NOON) == 6


async def test_ended_asks_come_in_pages_newest_first() -> None:
    """Whatever their end was."""
    approvals = Approvals(KEY, mask=str)
    asks = [await opened(approvals) for _ in range(4)]
    await opened(approvals)
    for ask in asks:
        await deny(approvals, ask, approver())
    first = await recent_asks(limit=3)
    rest = await recent_asks(limit=3, before=first[-1].id)
    assert [ask.id for ask in [*first, *rest]] == [ask.id for ask in reversed(asks)]
    assert {ask.state for ask in first} == {AskState.DENIED}


async def test_a_persons_own_asks_are_found_among_all_others() -> None:
    """By account or by address, however many others wait."""
    approvals = Approvals(KEY, mask=str)
    asks = [await opened(approvals) for _ in range(3)]
    ida = approver("Ida", "member", person_id=IDA.person_id, email="somebody@example.org")
    by_address = approver("Ida", "member", email=IDA.email.upper())
    bob = approver("Bob", "member")
    now = NOON + timedelta(seconds=1)
    for who, found in ((ida, asks), (by_address, asks), (bob, [])):
        assert [ask.id for ask in await pending_asks(now, requester=who)] == [ask.id for ask in found]
    await deny(approvals, asks[0], approver())
    assert [ask.id for ask in await recent_asks(requester=ida)] == [asks[0].id]
    assert await recent_asks(requester=bob) == []


async def test_an_unknown_ask_is_told() -> None:
    """Read or locked."""
    with pytest.raises(AskUnknownError):
        await ask_by_id(uuid7())
    with pytest.raises(AskUnknownError):
        await locked_ask(uuid7())


async def test_a_stored_ask_says_what_it_was_opened_with() -> None:
    """Terms, requester, times and summary, to the millisecond."""
    ask = await opened(Approvals(KEY, mask=str), seconds=90)
    assert (ask.terms.roles, ask.terms.quorum, ask.terms.expires_seconds) == (("requester", "approver"), 1, 90)
    assert (ask.machine_id, ask.person_id, ask.requester_email) == (IDA.machine_id, IDA.person_id, IDA.email)
    assert (ask.created_at, ask.expires_at) == (NOON, NOON + timedelta(seconds=90))
    assert (ask.agent, ask.project, ask.summary, ask.state) == ("claude", "/src/billing", "rm -rf build", "pending")


@pytest.mark.parametrize(
    ("groups", "scoped", "seen"),
    [
        (set(), set(), []),
        ({"payments"}, set(), ["payments"]),
        ({"directory:corp/payments"}, set(), []),
        (set(), {ScopedRole("approver", "/src")}, ["plain"]),
        (set(), {ScopedRole("group:payments", "/src/bill*")}, ["payments"]),
        (set(), {ScopedRole("approver", "/srv"), ScopedRole("security", "/")}, []),
        ({"payments"}, {ScopedRole("approver", "/src/billing")}, ["plain", "payments"]),
    ],
)
async def test_a_person_is_listed_the_asks_that_name_them(
    groups: set[str], scoped: set[ScopedRole], seen: list[str]
) -> None:
    """The same ones, waiting or ended, that they may answer by a group or for one project."""
    approvals = Approvals(KEY, mask=str)
    asks = {
        "plain": await opened(approvals),
        "payments": await opened(approvals, AskTerms(roles=("group:payments",))),
        "nobody": await opened(approvals, AskTerms(roles=("owner",))),
    }
    who = replace(approver("Bob", "member"), groups=frozenset(groups), scoped=frozenset(scoped))
    assert [ask.id for ask in await pending_asks(NOON, requester=who)] == [asks[name].id for name in seen]
    assert [name for name, ask in asks.items() if is_named(ask, who)] == seen
    for ask in asks.values():
        await deny(approvals, ask, approver("Ada", "owner"))
    assert {ask.id for ask in await recent_asks(requester=who)} == {asks[name].id for name in seen}
