"""Who hears of an ask, and by which order; how many asks one person is told of."""

from datetime import timedelta
from uuid import UUID

from appliance.actions.records import AskTerms
from appliance.approvals.records import Ask
from appliance.database.connection import current_connection, read_connection
from appliance.database.identifiers import uuid7
from appliance.database.transaction import transaction
from appliance.identity.break_glass.records import Notice as GlassNotice
from appliance.identity.records import Role
from appliance.notifications.fatigue import TOO_MANY
from appliance.notifications.notices import GlassAlarm
from appliance.notifications.on_call import set_order
from appliance.notifications.planning import BATCH
from appliance.notifications.preferences import set_preferences
from appliance.notifications.records import Preferences, Severity
from tests.support.asks import MACHINE, approver, deny, new_ask, opened
from tests.support.decisions import NOON
from tests.support.notifying import Telling, log_lines, somebody
from tests.support.people import OPERATOR, ledger_events
from tests.support.postgres import TestDatabase

TERMS = AskTerms(roles=("approver",))


async def told_of(telling: Telling, ask: Ask | None = None) -> set[UUID | None]:
    """The people who have a delivery, after planning."""
    await telling.planner.plan(telling.now)
    return {person for kind, person, _, state, _, _ in await log_lines() if state == "waiting"}


async def lines_of(ask: Ask) -> list[tuple[UUID, str, str]]:
    """Person, state and outcome of an ask's deliveries."""
    async with read_connection() as connection:
        rows = await connection.fetch(
            "SELECT person, state, outcome FROM notification_delivery WHERE about = $1 ORDER BY id", ask.id
        )
    return [tuple(row) for row in rows]


async def test_those_are_told_who_may_answer(rolled_back_database: TestDatabase) -> None:
    """Approvers; not members, not whoever was disabled, and not owners as long as there is an approver."""
    telling = Telling()
    ann, ben = await somebody(Role.APPROVER), await somebody(Role.APPROVER)
    for person in (ann, ben, await somebody(Role.MEMBER), await somebody(Role.OWNER)):
        await telling.phone(person)
    await telling.phone(await somebody(Role.APPROVER, can_come_in=False))
    await opened(telling.approvals, TERMS)
    assert await told_of(telling) == {ann, ben}


async def test_the_requester_alone_is_never_enough(rolled_back_database: TestDatabase) -> None:
    """If nobody else would be told, the owners are; where the policy refuses self-approval, the requester is not."""
    telling = Telling()
    ida, owner = await somebody(Role.APPROVER, email="ida@example.org"), await somebody(Role.OWNER)
    for person in (ida, owner):
        await telling.phone(person)
    await opened(telling.approvals, TERMS)
    assert await told_of(telling) == {ida, owner}
    strict = AskTerms(roles=("approver",), allows_self=False)
    ask = await opened(telling.approvals, strict)
    await telling.planner.plan(telling.now)
    async with read_connection() as connection:
        rows = await connection.fetch("SELECT person FROM notification_delivery WHERE about = $1", ask.id)
    assert {row["person"] for row in rows} == {owner}


async def test_somebody_without_a_channel_is_in_the_log(rolled_back_database: TestDatabase) -> None:
    """So that an administrator can see why nobody answered."""
    telling = Telling()
    ann = await somebody(Role.APPROVER)
    await opened(telling.approvals, TERMS)
    await telling.planner.plan(telling.now)
    lines = [(person, channel, state) for _, person, channel, state, _, _ in await log_lines()]
    assert lines == [(ann, "none", "unreachable")]


async def test_the_on_call_order_is_kept(committed_database: TestDatabase) -> None:
    """The first at once, the next at half the time, and an answer stops it; whoever has no channel delays nobody."""
    telling = Telling()
    deaf, first, second, third = [await somebody(Role.APPROVER) for _ in range(4)]
    phones = {person: await telling.phone(person) for person in (first, second, third)}
    await set_order(OPERATOR, "approver", [deaf, first, second], NOON)
    ask = await opened(telling.approvals, TERMS, seconds=600)
    await telling.after()
    assert [to for to, _ in telling.outside.sent] == [phones[first]]
    await telling.after(seconds=299)
    assert len(telling.outside.sent) == 1
    await telling.after(seconds=1)
    assert [to for to, _ in telling.outside.sent] == [phones[first], phones[second]]
    await deny(telling.approvals, ask, approver(), now=telling.now)
    await telling.after(seconds=200)
    assert telling.outside.kinds(phones[third]) == []
    assert telling.outside.kinds(phones[first]) == telling.outside.kinds(phones[second]) == ["ask.opened", "ask.ended"]


async def test_whoever_sleeps_hands_their_turn_on(committed_database: TestDatabase) -> None:
    """And hears of it when they wake, if it still waits."""
    telling = Telling()
    sleeper, awake = await somebody(Role.APPROVER), await somebody(Role.APPROVER)
    phones = {person: await telling.phone(person) for person in (sleeper, awake)}
    await set_order(OPERATOR, "approver", [sleeper, awake], NOON)
    quiet = Preferences(quiet_from=11 * 60, quiet_until=12 * 60 + 5)
    await set_preferences(OPERATOR, sleeper, quiet, NOON)
    await opened(telling.approvals, TERMS, seconds=600)
    await telling.after()
    assert [to for to, _ in telling.outside.sent] == [phones[awake]]
    await telling.after(minutes=5)
    assert [to for to, _ in telling.outside.sent] == [phones[awake], phones[sleeper]]


async def test_a_grave_ask_wakes_whoever_lets_it(committed_database: TestDatabase) -> None:
    """One that wants two people, a proof or a number; a plain one waits for the end of the night."""
    telling = Telling()
    person = await somebody(Role.APPROVER)
    phone = await telling.phone(person)
    await set_preferences(OPERATOR, person, Preferences(quiet_from=11 * 60, quiet_until=12 * 60 + 5), NOON)
    await opened(telling.approvals, TERMS)
    await telling.after()
    assert telling.outside.kinds(phone) == []
    await opened(telling.approvals, AskTerms(roles=("approver",), quorum=2))
    await telling.after()
    assert [message.severity for _, message in telling.outside.sent] == [Severity.HIGH]
    await telling.after(minutes=5)
    assert [message.severity for _, message in telling.outside.sent] == [Severity.HIGH, Severity.NORMAL]


async def test_too_many_asks_are_told_of_once(committed_database: TestDatabase) -> None:
    """The person and security hear of it, the ledger has it, and not one ask is lost; an hour later all is well."""
    telling = Telling(asks_per_hour=3)
    ann, guard = await somebody(Role.APPROVER), await somebody(Role.SECURITY)
    phone, guards = await telling.phone(ann), await telling.phone(guard)
    for _ in range(10):
        await opened(telling.approvals, TERMS, seconds=7200)
    await telling.after()
    assert sorted(telling.outside.kinds(phone)) == ["ask.opened"] * 3 + ["asks.many"]
    assert telling.outside.kinds(guards) == ["ask.fatigue"]
    assert (await ledger_events())["asks.too_many"] == 1
    async with read_connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM ask WHERE state = 'pending'") == 10
    telling.now += timedelta(minutes=61)
    async with transaction():
        assert await telling.approvals.open(new_ask(TERMS, seconds=7200, at=telling.now), MACHINE)
    await telling.after()
    assert telling.outside.kinds(phone)[-1] == "ask.opened"


async def test_the_next_one_on_call_hears_of_what_the_first_cannot_bear(committed_database: TestDatabase) -> None:
    """At once, also if asks that they were never told of had waited for their turn."""
    telling = Telling(asks_per_hour=3)
    first, second = await somebody(Role.APPROVER), await somebody(Role.APPROVER)
    phones = {person: await telling.phone(person) for person in (first, second)}
    await set_order(OPERATOR, "approver", [first, second], NOON)
    waiting = [await opened(telling.approvals, TERMS, seconds=7200) for _ in range(3)]
    await telling.after()
    assert telling.outside.kinds(phones[second]) == []
    over = await opened(telling.approvals, TERMS, seconds=7200)
    await telling.after()
    assert [message.tag for to, message in telling.outside.sent if to == phones[second]] == [over.id]
    assert (first, "unreachable", TOO_MANY) in await lines_of(over)
    for ask in waiting:
        await deny(telling.approvals, ask, approver(), now=telling.now)
    await telling.after(minutes=1)
    await opened(telling.approvals, TERMS, seconds=7200)
    await telling.after()
    assert telling.outside.kinds(phones[second]).count("ask.opened") == 2


async def test_what_was_withdrawn_unsent_was_told_to_nobody(rolled_back_database: TestDatabase) -> None:
    """A person bears as many asks as before, however many ended before they were told."""
    telling = Telling(asks_per_hour=2)
    ann = await somebody(Role.APPROVER)
    await telling.phone(ann)
    for _ in range(2):
        ask = await opened(telling.approvals, TERMS)
        await telling.planner.plan(telling.now)
        await deny(telling.approvals, ask, approver(), now=telling.now)
        await telling.planner.plan(telling.now)
    ask = await opened(telling.approvals, TERMS)
    assert await told_of(telling) == {ann}
    assert await lines_of(ask) == [(ann, "waiting", "")]


async def test_nobody_is_too_tired_for_a_grave_ask(rolled_back_database: TestDatabase) -> None:
    """It passes the limit, and a plain one after it leaves a line in the log that says why nobody was told."""
    telling = Telling(asks_per_hour=1)
    ann = await somebody(Role.APPROVER)
    await telling.phone(ann)
    for _ in range(3):
        await opened(telling.approvals, TERMS)
    grave = await opened(telling.approvals, AskTerms(roles=("approver",), step_up=True))
    plain = await opened(telling.approvals, TERMS)
    await telling.planner.plan(telling.now)
    assert await lines_of(grave) == [(ann, "waiting", "")]
    assert await lines_of(plain) == [(ann, "unreachable", TOO_MANY)]


async def test_owners_help_where_no_approver_has_a_channel(rolled_back_database: TestDatabase) -> None:
    """None at all, or muted; the log tells of both."""
    telling = Telling()
    deaf, muted, owner = [await somebody(role) for role in (Role.APPROVER, Role.APPROVER, Role.OWNER)]
    for person in (muted, owner):
        await telling.phone(person)
    await set_preferences(OPERATOR, muted, Preferences(muted=frozenset({"web_push:ask.opened"})), NOON)
    ask = await opened(telling.approvals, TERMS)
    assert await told_of(telling) == {owner}
    unreachable = {person for person, state, _ in await lines_of(ask) if state == "unreachable"}
    assert unreachable == {deaf, muted}


async def test_the_glass_wakes_everybody_who_looks_after_it(committed_database: TestDatabase) -> None:
    """Owners, administrators and security, also at night, unless they sleep through everything."""
    telling = Telling()
    people = [await somebody(role) for role in (Role.OWNER, Role.ADMINISTRATOR, Role.SECURITY, Role.APPROVER)]
    phones = [await telling.phone(person) for person in people]
    await set_preferences(OPERATOR, people[0], Preferences(quiet_from=0, quiet_until=1439), NOON)
    await GlassAlarm().tell(GlassNotice(event="break_glass.opened", said="The glass is broken.", at=NOON))
    await telling.after()
    assert {to for to, _ in telling.outside.sent} == set(phones[:3])


async def test_a_group_of_a_directory_is_told_for_its_projects(rolled_back_database: TestDatabase) -> None:
    """Whoever has the approver group for this project hears of it; for another project, or disabled there, not."""
    telling = Telling()
    near, far, gone = [await somebody(Role.MEMBER) for _ in range(3)]
    for person, project, is_disabled in ((near, "/src/*", False), (far, "/other", False), (gone, "/src/*", True)):
        await telling.phone(person)
        await granted(person, "group:payments", project, is_disabled=is_disabled)
    await opened(telling.approvals, AskTerms(roles=("group:payments",)))
    assert await told_of(telling) == {near}


async def granted(person: UUID, role: str, project: str, *, is_disabled: bool) -> None:
    """Put the person into a group of a directory of their own, which has the role for the project."""
    connection, group = current_connection(), uuid7()
    await connection.execute(
        "INSERT INTO identity_group (id, source, key, name, is_gone) VALUES ($1, 'directory:corp', $2, $2, false)",
        group, str(group),
    )  # fmt: skip
    await connection.execute(
        "INSERT INTO external_account (id, source, key, person, user_name, is_disabled, groups, created_at, seen_at) "
        "VALUES ($1, 'directory:corp', $2, $3, 'x', $4, ARRAY[$5::uuid], $6, $6)",
        uuid7(), str(person), person, is_disabled, group, NOON,
    )  # fmt: skip
    await connection.execute(
        "INSERT INTO group_grant (id, identity_group, role, project, created_at, created_by) "
        "VALUES ($1, $2, $3, $4, $5, '')",
        uuid7(), group, role, project, NOON,
    )  # fmt: skip


async def test_what_cannot_be_read_silences_nothing_else(rolled_back_database: TestDatabase) -> None:
    """More than a whole plan of kinds that this release does not know: everything after them is told all the same."""
    telling = Telling()
    owner = await somebody(Role.OWNER)
    await telling.phone(owner)
    await current_connection().execute(
        "INSERT INTO notification (id, kind, name, created_at, expires_at) "
        "SELECT gen_random_uuid(), 'from.the.future', '', $1, $2 FROM generate_series(1, $3)",
        NOON, NOON + timedelta(hours=1), BATCH + 1,
    )  # fmt: skip
    await GlassAlarm().tell(GlassNotice(event="break_glass.opened", said="The glass is broken.", at=NOON))
    while await telling.planner.plan(telling.now):
        pass
    assert await told_of(telling) == {owner}
    assert await current_connection().fetchval("SELECT count(*) FROM notification WHERE planned_at IS NULL") == 0
    assert (await ledger_events())["notification.unreadable"] == BATCH + 1
