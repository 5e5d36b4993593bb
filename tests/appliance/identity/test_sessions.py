"""Sessions: how long they last, who ends them, and that every process hears of it."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from appliance.database.connection import read_connection
from appliance.database.listener import Listener
from appliance.database.transaction import transaction
from appliance.identity import accounts
from appliance.identity.errors import (
    LifetimeRefusedError,
    PersonDisabledError,
    PersonUnknownError,
    RoleChangeRefusedError,
    SessionUnknownError,
)
from appliance.identity.queries import CHANNEL
from appliance.identity.records import Limits, NewSession, Origin, Role, SessionKind
from appliance.identity.service import Identity, build_identity
from appliance.identity.session_cache import LARGEST, SessionCache
from appliance.identity.sessions import TOUCH_SECONDS
from tests.appliance.identity.conftest import KEY
from tests.appliance.identity.external import CORP, disable, group, profile, tell
from tests.support.people import HERE, NOW, OPERATOR, PASSWORD, Someone, ledger_events, make_owner, make_person
from tests.support.postgres import TestDatabase

LIMITS = Limits()
MINUTE = timedelta(minutes=1)


async def _browser(identity: Identity, someone: Someone, previous: str | None = None) -> NewSession:
    return await identity.sign_ins.sign_in(
        email=someone.email, password=PASSWORD, code=someone.code(NOW), origin=HERE, now=NOW, previous_token=previous
    )


async def _last_seen(session_id: UUID) -> object:
    async with read_connection() as connection:
        return await connection.fetchval("SELECT last_seen_at FROM session WHERE id = $1", session_id)


async def test_a_session_ends_when_it_was_idle(identity: Identity, owner: Someone) -> None:
    """An hour without a request ends a browser's session; a request every 59 minutes keeps it."""
    kept, left = await _browser(identity, owner), await _browser(identity, owner)
    for minutes in (59, 118, 177):
        assert await identity.sessions.authenticate(kept.token, NOW + minutes * MINUTE)
    assert await identity.sessions.authenticate(left.token, NOW + 60 * MINUTE) is None
    assert await identity.sessions.authenticate(left.token, NOW + 59 * MINUTE)


async def test_an_open_page_alone_keeps_no_session(identity: Identity, owner: Someone) -> None:
    """A live page that only listens asks every few seconds, and the hour passes all the same."""
    session = await _browser(identity, owner)
    for minutes in range(0, 60, 5):
        assert set(await identity.sessions.live_among([session.token, "ols_x"], NOW + minutes * MINUTE)) == {
            session.token
        }
    assert await identity.sessions.live_among([session.token], NOW + 60 * MINUTE) == {}
    assert await _last_seen(session.session_id) == NOW


async def test_a_session_ends_whatever_happens(identity: Identity, owner: Someone) -> None:
    """Twelve hours after it began, however busy it was."""
    session = await _browser(identity, owner)
    assert session.expires_at == NOW + timedelta(hours=12)
    for minutes in range(0, 720, 30):
        assert await identity.sessions.authenticate(session.token, NOW + minutes * MINUTE)
    assert await identity.sessions.authenticate(session.token, NOW + timedelta(hours=12)) is None


async def test_a_script_is_never_idle(identity: Identity, owner: Someone) -> None:
    """Its session ends only with its own time."""
    made = await identity.sessions.create_script_session(OPERATOR, owner.id, 600, NOW)
    assert await identity.sessions.authenticate(made.token, NOW + 599 * MINUTE)
    assert await identity.sessions.authenticate(made.token, NOW + 600 * MINUTE) is None


async def test_use_is_written_at_most_once_a_minute(identity: Identity, owner: Someone) -> None:
    """A busy page costs no write per request."""
    session = await _browser(identity, owner)
    for seconds in range(0, int(TOUCH_SECONDS), 5):
        await identity.sessions.authenticate(session.token, NOW + timedelta(seconds=seconds))
        assert await _last_seen(session.session_id) == NOW
    await identity.sessions.authenticate(session.token, NOW + MINUTE)
    assert await _last_seen(session.session_id) == NOW + MINUTE


@pytest.mark.parametrize("token", [None, "", "ols_", "ols_" + "A" * 43, "oll_" + "A" * 43, "x" * 65536, "ols_\x00" * 9])
async def test_unknown_tokens_are_nobody(identity: Identity, token: str | None) -> None:
    """Whatever the text, without an error."""
    assert await identity.sessions.authenticate(token, NOW) is None


async def test_a_person_sees_their_live_sessions(identity: Identity, owner: Someone) -> None:
    """With browser and address, the last used first; what a browser says of itself is cut and cleaned."""
    strange = Origin(address="2001:db8::1", user_agent="Mozilla\r\n\x00" + "x" * 1000)
    session = await identity.sign_ins.sign_in(
        email=owner.email, password=PASSWORD, code=owner.code(NOW), origin=strange, now=NOW
    )
    await identity.sessions.authenticate(session.token, NOW + 2 * MINUTE)
    listed = await identity.sessions.list_own(owner.id, NOW + 3 * MINUTE)
    assert [each.kind for each in listed] == [SessionKind.BROWSER, SessionKind.SCRIPT, SessionKind.BROWSER]
    assert listed[0].id == session.session_id
    assert (listed[0].address, len(listed[0].user_agent)) == ("2001:db8::1", 400)
    assert "\x00" not in listed[0].user_agent
    assert len(await identity.sessions.list_own(owner.id, NOW + 59 * MINUTE)) == 3
    assert [each.kind for each in await identity.sessions.list_own(owner.id, NOW + 61 * MINUTE)] == ["browser"]


async def test_signing_out_ends_this_session_alone(identity: Identity, owner: Someone) -> None:
    """Twice is as good as once, and recorded once."""
    session = await _browser(identity, owner)
    signed_in = await identity.sessions.authenticate(session.token, NOW)
    assert signed_in
    for _ in range(2):
        await identity.sessions.sign_out(signed_in, NOW)
    assert await identity.sessions.authenticate(session.token, NOW) is None
    assert await identity.sessions.authenticate(owner.token, NOW)
    assert (await ledger_events())["session.ended"] == 1


async def test_people_end_their_own_sessions_and_managers_those_of_others(identity: Identity, owner: Someone) -> None:
    """A member cannot end an owner's, nor an administrator an owner's; a foreign identifier is unknown."""
    member = await make_person(identity, Role.MEMBER, "mia@example.org", NOW)
    administrator = await make_person(identity, Role.ADMINISTRATOR, "adm@example.org", NOW)
    own = await identity.sessions.authenticate(member.token, NOW)
    owners = await identity.sessions.authenticate(owner.token, NOW)
    assert own
    assert owners
    for actor in (member.actor, administrator.actor):
        with pytest.raises(RoleChangeRefusedError):
            await identity.sessions.revoke(actor, owner.id, owners.session_id, NOW)
    for stranger in (owners.session_id, uuid4()):
        with pytest.raises(SessionUnknownError):
            await identity.sessions.revoke(member.actor, member.id, stranger, NOW)
    await identity.sessions.revoke(member.actor, member.id, own.session_id, NOW)
    assert await identity.sessions.authenticate(member.token, NOW) is None
    assert await identity.sessions.revoke_all(administrator.actor, member.id, NOW) == 1
    assert await identity.sessions.revoke_all(administrator.actor, member.id, NOW) == 0
    with pytest.raises(PersonUnknownError):
        await identity.sessions.revoke_all(OPERATOR, uuid4(), NOW)
    events = await ledger_events()
    assert (events["session.revoked"], events["sessions.revoked"], events["role_change.refused"]) == (1, 1, 2)


async def test_acting_as_somebody_else_is_for_the_operator(identity: Identity, owner: Someone) -> None:
    """Not even an owner makes a session for another person; lifetimes are bounded; the disabled get none."""
    member = await make_person(identity, Role.MEMBER, "mia@example.org", NOW)
    assert await identity.sessions.create_script_session(member.actor, member.id, 5, NOW)
    with pytest.raises(RoleChangeRefusedError):
        await identity.sessions.create_script_session(owner.actor, member.id, 5, NOW)
    for minutes in (0, -1, LIMITS.script_max_minutes + 1, 2**63):
        with pytest.raises(LifetimeRefusedError):
            await identity.sessions.create_script_session(OPERATOR, member.id, minutes, NOW)
    await identity.people.disable(OPERATOR, member.id, NOW)
    with pytest.raises(PersonDisabledError):
        await identity.sessions.create_script_session(OPERATOR, member.id, 5, NOW)


async def test_every_process_forgets_at_once(committed: Identity, committed_database: TestDatabase) -> None:
    """A second process answers from memory, until a person is disabled or loses a role in the first."""
    other = build_identity(
        KEY,
        limits=Limits(cache_seconds=3600),
        sign_in_attempts_per_minute=10,
        owner_link_minutes=60,
        issuer="OpenLeash",
        passwords=committed.passwords,
    )
    await make_owner(committed, NOW)
    member = await make_person(committed, Role.AUDITOR, "mia@example.org", NOW)
    listener = Listener(committed_database.service_url, {CHANNEL: other.sessions.forget})
    await listener.start()
    try:
        assert await other.sessions.authenticate(member.token, NOW)
        async with read_connection() as connection:  # behind everybody's back, so without a notification
            await connection.execute("UPDATE person SET display_name = 'New' WHERE id = $1", member.id)
        remembered = await other.sessions.authenticate(member.token, NOW)
        assert remembered
        assert remembered.display_name == "Mia"
        await committed.people.revoke_role(OPERATOR, member.id, Role.AUDITOR, NOW)
        await _until(lambda found: found is not None and not found.roles, other, member)
        await committed.people.disable(OPERATOR, member.id, NOW)
        await _until(lambda found: found is None, other, member)
    finally:
        await listener.stop()


async def test_what_a_group_is_granted_is_known_to_every_process_at_once(
    committed: Identity, committed_database: TestDatabase
) -> None:
    """And what it loses, what its source takes away, and that its source disabled somebody."""
    other = build_identity(
        KEY,
        limits=Limits(cache_seconds=3600),
        sign_in_attempts_per_minute=10,
        owner_link_minutes=60,
        issuer="OpenLeash",
        passwords=committed.passwords,
    )
    member = await make_person(committed, Role.MEMBER, "mia@example.org", NOW)
    async with transaction():
        await accounts.link(OPERATOR, CORP, profile("mia"), member.id, NOW)
    await tell({"g": "Leads"}, {"mia": frozenset({"g"})})
    leads = await group("g")
    listener = Listener(committed_database.service_url, {CHANNEL: other.sessions.forget})
    await listener.start()
    try:
        assert await other.sessions.authenticate(member.token, NOW)
        await committed.group_grants.grant(OPERATOR, leads.id, "auditor", NOW)
        await _until(lambda found: found is not None and Role.AUDITOR in found.roles, other, member)
        await tell({"g": "Leads"}, {})
        await _until(lambda found: found is not None and Role.AUDITOR not in found.roles, other, member)
        await disable("mia")
        await _until(lambda found: found is None, other, member)
    finally:
        await listener.stop()


async def _until(is_so: object, identity: Identity, someone: Someone) -> None:
    assert callable(is_so)
    for _ in range(100):
        if is_so(await identity.sessions.authenticate(someone.token, NOW)):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the other process still answers from memory")


async def test_what_was_read_before_a_change_is_not_remembered(identity: Identity, owner: Someone) -> None:
    """A look-up that overlaps the end of its session must not bring it back."""
    signed_in = await identity.sessions.authenticate(owner.token, NOW)
    assert signed_in
    cache = SessionCache(3600)
    generation = cache.generation
    cache.clear()
    cache.put(b"token", signed_in, NOW, NOW + MINUTE, generation)
    assert cache.get(b"token", NOW) is None
    cache.put(b"token", signed_in, NOW, NOW + MINUTE, cache.generation)
    assert cache.get(b"token", NOW) is signed_in
    assert cache.get(b"token", NOW + MINUTE) is None
    assert cache.get(b"token", NOW - MINUTE) is None
    for number in range(LARGEST + 1):
        cache.put(str(number).encode(), signed_in, NOW, NOW + MINUTE, cache.generation)
    assert cache.get(b"token", NOW) is None


async def test_memory_is_bounded_by_time_alone_if_a_notification_is_lost(identity: Identity, owner: Someone) -> None:
    """Two seconds, whatever the database says meanwhile."""
    assert await identity.sessions.authenticate(owner.token, NOW)
    async with read_connection() as connection:
        await connection.execute("DELETE FROM session")
    assert await identity.sessions.authenticate(owner.token, NOW + timedelta(seconds=1.9))
    assert await identity.sessions.authenticate(owner.token, NOW + timedelta(seconds=2)) is None
