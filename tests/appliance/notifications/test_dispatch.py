"""Sending: at least once, nothing lost, nobody kept waiting by somebody else's broken channel."""

import asyncio
import time
from datetime import timedelta

import pytest

from appliance.actions.records import AskTerms
from appliance.database.connection import current_connection, read_connection
from appliance.database.transaction import transaction
from appliance.identity.break_glass.records import Notice as GlassNotice
from appliance.identity.records import Role
from appliance.notifications import claims, log
from appliance.notifications.errors import DeliveryUnknownError
from appliance.notifications.notices import GlassAlarm
from appliance.notifications.ports import Failure, SendError
from appliance.notifications.records import DeliveryState
from tests.support.asks import approver, deny, opened
from tests.support.notifying import Telling, log_lines, somebody, states, until
from tests.support.people import OPERATOR, ledger_events
from tests.support.postgres import TestDatabase

TERMS = AskTerms(roles=("approver",))
LATER = SendError(Failure.LATER, "no answer in time")


async def test_a_message_says_nothing_of_what_is_asked(committed_database: TestDatabase) -> None:
    """Its words are the same for every ask, and its address names the ask alone."""
    telling = Telling()
    await telling.phone(await somebody(Role.APPROVER))
    ask = await opened(telling.approvals, TERMS)
    await telling.after()
    ((_, message),) = telling.outside.sent
    assert message.url == f"https://leash.example.org/approvals/{ask.id}"
    assert (message.title, message.body) == ("An agent waits for an answer", "Open the page to read it.")
    assert message.seconds_left == 600


async def test_a_summary_is_sent_where_that_is_wanted(committed_database: TestDatabase) -> None:
    """One line, without characters that turn text around."""
    telling = Telling(is_summary_sent=True)
    await telling.phone(await somebody(Role.APPROVER))
    ask = await opened(telling.approvals, TERMS)
    async with transaction():
        await current_connection().execute(
            "UPDATE ask SET summary = $2 WHERE id = $1", ask.id, "rm\n-rf \u202ehc.exe\u200b \x1b[31m" + "x" * 1000
        )
    await telling.after()
    body = telling.outside.sent[0][1].body
    assert body.startswith("claude: rm -rf hc.exe [31mxxx")
    assert len(body) == 200
    assert body.isprintable()


async def test_whoever_is_killed_while_sending_loses_nothing(committed_database: TestDatabase) -> None:
    """What was claimed and not written down is sent again after a minute, under the same identifier."""
    telling = Telling()
    phone = await telling.phone(await somebody(Role.APPROVER))
    await opened(telling.approvals, TERMS)
    telling.outside.broken[phone] = asyncio.Event()
    killed = asyncio.create_task(telling.dispatcher.run())
    await until(is_claimed)
    claimed = await claims_of()
    # The other side has taken it; whoever sent it dies before that is written down.
    del telling.outside.broken[phone]
    killed.cancel()
    await asyncio.gather(killed, return_exceptions=True)
    other = telling.dispatcher_with(telling.outside)
    await other.run()
    assert telling.outside.sent == []
    telling.now += claims.CLAIM
    await other.run()
    assert [message.id for _, message in telling.outside.sent] == claimed
    assert await states() == ["sent"]


async def claims_of() -> list[str]:
    """The notifications of deliveries that somebody is sending."""
    async with read_connection() as connection:
        rows = await connection.fetch(
            "SELECT notification FROM notification_delivery WHERE state = 'waiting' AND claimed_until IS NOT NULL"
        )
    return [str(row["notification"]) for row in rows]


async def is_claimed() -> bool:
    """Whether somebody is sending something."""
    return bool(await claims_of())


async def test_two_that_send_at_once_share_the_work(committed_database: TestDatabase) -> None:
    """Nobody hears twice while everybody lives."""
    telling = Telling()
    for _ in range(5):
        await telling.phone(await somebody(Role.APPROVER))
    for _ in range(6):
        await opened(telling.approvals, TERMS)
    await asyncio.gather(*(telling.dispatcher_with(telling.outside).run() for _ in range(3)))
    assert len(telling.outside.sent) == 30
    assert len({(to, message.id) for to, message in telling.outside.sent}) == 30


async def test_a_channel_that_hangs_keeps_nobody_waiting(committed_database: TestDatabase) -> None:
    """Others hear at once; what comes meanwhile is planned and sent meanwhile."""
    telling = Telling()
    dead, lively = [await telling.phone(await somebody(Role.APPROVER)) for _ in range(2)]
    hanging = telling.outside.broken[dead] = asyncio.Event()
    await opened(telling.approvals, TERMS)
    running = asyncio.create_task(telling.dispatcher.run())
    await telling.outside.heard(lively)
    await opened(telling.approvals, TERMS)
    await telling.outside.heard(lively, 2)
    assert telling.outside.kinds(dead) == []
    hanging.set()
    await asyncio.wait_for(running, 10)
    assert len(telling.outside.kinds(dead)) == 2


async def test_a_destination_that_fails_is_left_alone_longer_each_time(committed_database: TestDatabase) -> None:
    """And what it misses is sent when it answers again."""
    telling = Telling(attempts_max=9)
    phone = await telling.phone(await somebody(Role.APPROVER))
    telling.outside.broken[phone] = LATER
    await opened(telling.approvals, TERMS)
    due = []
    for _ in range(4):
        await telling.dispatcher.run()
        ((_, _, _, state, due_at, outcome),) = await log_lines()
        assert (state, outcome) == ("waiting", "no answer in time")
        due.append((due_at - telling.now).total_seconds())
        telling.now = due_at
    assert due == [5, 10, 20, 40]
    telling.outside.broken.clear()
    await telling.dispatcher.run()
    assert await states() == ["sent"]


async def test_what_fails_too_often_is_a_dead_letter_until_somebody_replays_it(
    committed_database: TestDatabase,
) -> None:
    """The ledger has it, administrators hear of it once, and a replay goes out under the same identifier."""
    telling = Telling(attempts_max=3)
    webhook = await telling.webhook("ask.opened")
    phone = await telling.phone(await somebody(Role.ADMINISTRATOR))
    telling.outside.broken[webhook] = LATER
    await opened(telling.approvals, TERMS)
    for _ in range(3):
        await telling.after(hours=1)
    await telling.after()
    (dead,) = await log.deliveries(state=DeliveryState.DEAD)
    assert (dead.channel, dead.attempts, dead.outcome) == ("webhook", 3, "no answer in time")
    assert (await ledger_events())["delivery.dead"] == 1
    assert telling.outside.kinds(phone) == ["delivery.dead"]
    telling.outside.broken.clear()
    await log.replay(OPERATOR, dead.id, 24, telling.now)
    await telling.after()
    assert [message.id for to, message in telling.outside.sent if to == webhook] == [str(dead.notification)]
    with pytest.raises(DeliveryUnknownError):
        await log.replay(OPERATOR, dead.id, 24, telling.now)


async def test_what_is_too_late_is_not_sent(committed_database: TestDatabase) -> None:
    """A person needs nothing of an ask that has expired; a webhook's letter is dead after a day."""
    telling = Telling(attempts_max=50)
    webhook, phone = await telling.webhook(), await telling.phone(await somebody(Role.APPROVER))
    telling.outside.broken |= {webhook: LATER, phone: LATER}
    await opened(telling.approvals, TERMS, seconds=600)
    await telling.after()
    telling.now += timedelta(minutes=11)
    assert await claims.end_late(telling.now) == 1
    telling.now += timedelta(hours=24)
    assert await claims.end_late(telling.now) == 1
    assert await states() == ["dead", "dead"]


async def test_a_refused_message_blames_nobody_else(committed_database: TestDatabase) -> None:
    """The destination goes on with the next one at once."""
    telling = Telling()
    phone = await telling.phone(await somebody(Role.APPROVER))
    telling.outside.broken[phone] = SendError(Failure.NEVER, "status 413")
    await opened(telling.approvals, TERMS)
    await telling.after()
    telling.outside.broken.clear()
    await opened(telling.approvals, TERMS)
    await telling.after()
    assert await states() == ["dead", "sent"]


async def test_a_subscription_that_is_gone_is_forgotten(committed_database: TestDatabase) -> None:
    """The person sees that in their list, and the ledger says so."""
    telling = Telling()
    person = await somebody(Role.APPROVER)
    phone = await telling.phone(person)
    telling.outside.broken[phone] = SendError(Failure.GONE, "status 410")
    await opened(telling.approvals, TERMS)
    await telling.after()
    assert await telling.addresses.list_own(person) == ()
    assert (await ledger_events())["notification_address.gone"] == 1


async def test_whoever_was_disabled_meanwhile_hears_nothing(committed_database: TestDatabase) -> None:
    """Also of what was planned before."""
    telling = Telling()
    person = await somebody(Role.APPROVER)
    await telling.phone(person)
    await opened(telling.approvals, TERMS)
    await telling.planner.plan(telling.now)
    async with transaction():
        await current_connection().execute("UPDATE person SET is_disabled = true WHERE id = $1", person)
    await telling.after()
    assert telling.outside.sent == []
    assert await states() == ["withdrawn"]


async def test_an_answered_ask_is_taken_down_where_it_was_shown(committed_database: TestDatabase) -> None:
    """A phone that has shown it hears that it is over; one that has not hears nothing at all."""
    telling = Telling()
    shown, broken = [await telling.phone(await somebody(Role.APPROVER)) for _ in range(2)]
    telling.outside.broken[broken] = LATER
    ask = await opened(telling.approvals, TERMS)
    await telling.after()
    await deny(telling.approvals, ask, approver())
    telling.outside.broken.clear()
    await telling.after(minutes=1)
    assert telling.outside.kinds(shown) == ["ask.opened", "ask.ended"]
    assert telling.outside.kinds(broken) == []
    tags = {message.tag for _, message in telling.outside.sent}
    assert tags == {ask.id}


async def test_ten_thousand_asks_starve_nobody(committed_database: TestDatabase) -> None:
    """One webhook has ten thousand letters and answers slowly; a glass that breaks is heard of at once."""
    telling = Telling()
    flooded = await telling.webhook("ask.opened")
    async with transaction():
        await current_connection().execute(
            "WITH n AS (INSERT INTO notification (id, kind, name, created_at, expires_at, planned_at) "
            "SELECT gen_random_uuid(), 'ask.opened', '', $1, $2, $1 FROM generate_series(1, 10000) RETURNING id) "
            "INSERT INTO notification_delivery (id, notification, kind, name, channel, destination, state, step, "
            "created_at, due_at, expires_at, attempts, outcome) "
            "SELECT gen_random_uuid(), id, 'ask.opened', '', 'webhook', $3, 'waiting', 0, $1, $1, $2, 0, '' FROM n",
            telling.now, telling.now + timedelta(hours=24), flooded,
        )  # fmt: skip
    other, phone = await telling.webhook("ask.opened"), await telling.phone(await somebody(Role.APPROVER))
    telling.outside.broken[flooded] = asyncio.Event()
    running = asyncio.create_task(telling.dispatcher.run())
    await asyncio.sleep(0.2)
    began = time.monotonic()
    await opened(telling.approvals, TERMS)
    await telling.outside.heard(phone)
    await telling.outside.heard(other)
    assert time.monotonic() - began < 5
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_ten_thousand_asks_are_planned_after_what_is_rare(committed_database: TestDatabase) -> None:
    """A glass that breaks after them is heard of first; the approver hears of a few, and once that there are many."""
    telling = Telling(asks_per_hour=5)
    approver_phone, owner_phone = [await telling.phone(await somebody(role)) for role in (Role.APPROVER, Role.OWNER)]
    ask = await opened(telling.approvals, TERMS, seconds=7200)
    async with transaction():
        await current_connection().execute(
            "INSERT INTO notification (id, kind, about, name, created_at, expires_at) "
            "SELECT gen_random_uuid(), 'ask.opened', $1, '', $2, $3 FROM generate_series(1, 10000)",
            ask.id, telling.now, ask.expires_at,
        )  # fmt: skip
    await GlassAlarm().tell(GlassNotice(event="break_glass.opened", said="The glass is broken.", at=telling.now))
    began = time.monotonic()
    running = asyncio.create_task(telling.dispatcher.run())
    await telling.outside.heard(owner_phone)
    assert time.monotonic() - began < 5
    await asyncio.wait_for(running, 60)
    assert telling.outside.kinds(owner_phone) == ["break_glass", "ask.fatigue"]
    assert sorted(telling.outside.kinds(approver_phone)) == ["ask.opened"] * 5 + ["asks.many"]


async def test_the_log_forgets_what_is_old(committed_database: TestDatabase) -> None:
    """But nothing that still waits."""
    telling = Telling()
    await telling.phone(await somebody(Role.APPROVER))
    await opened(telling.approvals, TERMS)
    await telling.after()
    assert await log.forget_old(telling.now) == 0
    assert await log.forget_old(telling.now + timedelta(days=30)) == 1
    async with read_connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM notification") == 0
