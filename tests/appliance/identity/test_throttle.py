"""Limits of sign-in attempts: per address, per account, and per pair of both, in bursts and over time."""

import asyncio
from datetime import timedelta

import pytest

from appliance.database.connection import read_connection
from appliance.identity.allowance import Allowance, Count, after_attempt, allowances, network_of
from appliance.identity.errors import SignInRefusedError, SignInThrottledError
from appliance.identity.records import Origin, Role
from appliance.identity.service import Identity
from tests.support.people import NOW, Someone, ledger_events, ledger_facts, make_owner, make_person

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


async def attempt(
    identity: Identity, email: str, *, address: str = "192.0.2.1", moment: timedelta = timedelta()
) -> int | None:
    """A wrong sign-in; the seconds to wait if it was not even checked."""
    try:
        await identity.sign_ins.sign_in(
            email=email, password="wrong password", code="0", origin=Origin(address=address), now=NOW + moment
        )
    except SignInThrottledError as throttled:
        return throttled.retry_after_seconds
    except SignInRefusedError:
        return None
    raise AssertionError("signed in")


async def test_guessing_at_one_account_from_one_place_waits_longer_each_time(
    identity: Identity, owner: Someone
) -> None:
    """Five failures, then a minute; five more, then two; other places may still try this account."""
    for _ in range(5):
        assert await attempt(identity, owner.email) is None
    assert await attempt(identity, owner.email) == 61
    assert await attempt(identity, owner.email, moment=59 * SECOND) == 2
    assert await attempt(identity, owner.email, address="198.51.100.1") is None
    for _ in range(4):
        assert await attempt(identity, owner.email, moment=MINUTE) is None
    assert await attempt(identity, owner.email, moment=MINUTE) in range(60, 122)


async def test_while_throttled_nothing_is_checked_and_one_entry_is_made(identity: Identity, owner: Someone) -> None:
    """A flood costs neither work nor ledger; after the wait there may be another entry."""
    for _ in range(5):
        await attempt(identity, owner.email)
    verified = identity.passwords.verifications
    for _ in range(50):
        assert await attempt(identity, owner.email)
    assert identity.passwords.verifications == verified
    events = await ledger_events()
    assert (events["sign_in.refused"], events["sign_in.throttled"]) == (5, 1)
    [facts] = await ledger_facts("sign_in.throttled")
    assert facts == {"counters": ["pair"], "until": (NOW + MINUTE).isoformat()}


async def test_an_address_that_tries_many_accounts_is_stopped(identity: Identity) -> None:
    """Ten failures a minute, known accounts or not; other addresses are not concerned; a minute later it may again."""
    await make_owner(identity, NOW)
    for number in range(10):
        assert await attempt(identity, f"user{number}@example.org") is None
    assert await attempt(identity, "ada@example.org") == 61
    assert await attempt(identity, "ada@example.org", address="198.51.100.1") is None
    assert await attempt(identity, "ada@example.org", moment=MINUTE) is None


async def test_an_account_that_is_tried_from_many_addresses_is_protected(identity: Identity, owner: Someone) -> None:
    """Ten failures in all, from wherever; an unknown account behaves alike."""
    for email in (owner.email, "nobody@example.org"):
        for number in range(10):
            assert await attempt(identity, email, address=f"2001:db8:{number}::1") is None
        assert await attempt(identity, email, address="2001:db8:ffff::1") == 61
    causes = [facts["counters"] for facts in await ledger_facts("sign_in.throttled")]
    assert causes == [["account"], ["account"]]


async def test_one_place_alone_does_not_close_an_account(identity: Identity, owner: Someone) -> None:
    """However long a stranger tries from one address, the owner gets in from another."""
    for minute in range(40):
        for _ in range(12):
            await attempt(identity, owner.email, moment=minute * MINUTE)
    moment = NOW + 40 * MINUTE
    assert await identity.sign_ins.sign_in(
        email=owner.email,
        password="correct horse battery staple",
        code=owner.code(moment),
        origin=Origin(address="198.51.100.1"),
        now=moment,
    )


async def test_success_is_no_failure(identity: Identity) -> None:
    """A busy office behind one address signs in as often as it likes, and mistakes before a success are forgiven."""
    await make_owner(identity, NOW)
    people = [await make_person(identity, Role.MEMBER, f"p{number}@example.org", NOW) for number in range(25)]
    for person in people:
        if person is people[0]:
            for _ in range(4):
                assert await attempt(identity, person.email) is None
        assert await identity.sign_ins.sign_in(
            email=person.email,
            password="correct horse battery staple",
            code=person.code(NOW),
            origin=Origin(address="192.0.2.1"),
            now=NOW,
        )
    for _ in range(5):
        assert await attempt(identity, people[0].email) is None


async def test_a_burst_does_not_outrun_the_count(committed: Identity) -> None:
    """Of fifty wrong attempts at once five are checked, whatever the processes do in between."""
    owner = await make_owner(committed, NOW)
    waits = await asyncio.gather(*(attempt(committed, owner.email) for _ in range(50)))
    assert waits.count(None) == 5
    events = await ledger_events()
    assert (events["sign_in.refused"], events["sign_in.throttled"]) == (5, 1)


async def test_attempts_at_once_over_several_counters_do_not_block_each_other(committed: Identity) -> None:
    """Five addresses try five accounts at once, in every order: all are answered."""
    await make_owner(committed, NOW)
    pairs = [(f"u{one}@example.org", f"192.0.2.{other}") for one in range(5) for other in range(5)]
    answers = await asyncio.gather(*(attempt(committed, email, address=address) for email, address in pairs))
    assert answers.count(None) == 25


async def test_addresses_and_accounts_are_not_in_the_table(identity: Identity) -> None:
    """Only keyed hashes."""
    await attempt(identity, "nobody@example.org")
    async with read_connection() as connection:
        rows = await connection.fetch("SELECT t::text, key FROM sign_in_throttle t")
    assert len(rows) == 3
    for row in rows:
        assert len(row["key"]) == 32
        assert "nobody" not in row[0]
        assert b"nobody" not in row["key"]


def test_waits_double_up_to_their_limit_and_failures_are_forgiven() -> None:
    """One minute, two, four, eight, fifteen; one failure is forgotten every six minutes."""
    allowance = Allowance(failures=2, forgives_every=6 * MINUTE)
    count, waits = Count(failures=0, last_at=NOW), []
    for _ in range(14):
        count = after_attempt(count, allowance, NOW)
        if count.blocked_until:
            waits.append(count.blocked_until - NOW)
    assert waits == [MINUTE, 2 * MINUTE, 4 * MINUTE, 8 * MINUTE, *[15 * MINUTE] * 3]
    assert after_attempt(count, allowance, NOW + 60 * MINUTE).failures == 14 - 10 + 1
    assert after_attempt(count, allowance, NOW + 3 * MINUTE).failures == 15
    # Forgiving goes by the moments of failures, so that attempts in between do not put it off.
    slow = after_attempt(after_attempt(count, allowance, NOW + 5 * MINUTE), allowance, NOW + 7 * MINUTE)
    assert (slow.failures, slow.last_at) == (15, NOW + 6 * MINUTE)


def test_a_clock_that_goes_back_forgives_nothing() -> None:
    """Nor does it add anything."""
    allowance = Allowance(failures=10, forgives_every=MINUTE)
    assert after_attempt(Count(failures=3, last_at=NOW), allowance, NOW - 60 * MINUTE).failures == 4


@pytest.mark.parametrize("attempts", [1, 2, 3, 10, 1000])
def test_the_pair_bears_half_of_what_the_account_does(attempts: int) -> None:
    """But at least one attempt."""
    made = allowances(attempts)
    assert made["pair"].failures == max(1, attempts // 2)
    assert made["account"].failures == made["address"].failures == attempts


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_one_caller_is_an_address_or_an_ipv6_site(address: str, network: str) -> None:
    """Nobody gets 2^64 tries from the addresses of one line."""
    assert network_of(address) == network
