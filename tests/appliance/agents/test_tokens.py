"""Machine tokens of the hook endpoint: from memory, never longer than two seconds, and gone with a revocation."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from appliance.agents.queries import machine_by_id
from appliance.agents.records import AuthenticatedMachine, Enrolment
from appliance.agents.service import revoke_machine
from appliance.agents.tokens import CHANNEL, UNKNOWN_MAX, MachineTokens
from appliance.clock import utc_now
from appliance.database.connection import current_connection, disconnect, pooled
from appliance.database.errors import DatabaseUnreachableError
from appliance.database.listener import Listener
from appliance.database.transaction import transaction
from appliance.identity import accounts, groups
from appliance.identity.records import Source, SourceKind
from tests.appliance.agents.test_service import ADMIN, add_person, enrolled, token
from tests.support.postgres import TestDatabase


class _Ticks:
    """Seconds that a test lets pass."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def _tokens(ticks: _Ticks) -> AsyncIterator[MachineTokens]:
    tokens = MachineTokens(utc_now, ticks=ticks)
    yield tokens
    await tokens.close()


async def _machine(email: str = "") -> Enrolment:
    return await enrolled(await token(), email)


async def _revoke_unnoticed(machine_id: UUID) -> None:
    async with pooled() as connection:
        await connection.execute("UPDATE machine SET revoked_at = now() WHERE id = $1", machine_id)


async def test_a_machine_is_known_by_its_token(committed_database: TestDatabase) -> None:
    """With its person; anything else is nobody."""
    person = await add_person("ida@acme.example")
    made = await _machine("ida@acme.example")
    async with _tokens(_Ticks()) as tokens:
        found = await tokens.authenticate(made.token)
        assert found == AuthenticatedMachine(machine_id=made.machine.id, person_id=person, email="ida@acme.example")
        deployment = await token()
        for wrong in (
            "",
            "ol_",
            made.token[:-1],
            made.token + "x",
            deployment.token,
            "ol_" + "\ud800" * 43,
            "x" * 65_536,
        ):
            assert await tokens.authenticate(wrong) is None
        flipped = made.token[:-1] + ("A" if made.token[-1] != "A" else "B")
        assert await tokens.authenticate(flipped) is None


async def test_an_answer_from_memory_is_two_seconds_old_at_most(committed_database: TestDatabase) -> None:
    """Even if no notification comes: after that the database is asked again."""
    made, ticks = await _machine(), _Ticks()
    async with _tokens(ticks) as tokens:
        assert await tokens.authenticate(made.token)
        await _revoke_unnoticed(made.machine.id)
        ticks.now += 0.9
        assert await tokens.authenticate(made.token)
        ticks.now += 1.1
        assert await tokens.authenticate(made.token) is None


async def test_a_token_in_use_is_looked_up_ahead(committed_database: TestDatabase) -> None:
    """In the second half of its time the call is answered at once, and the next one knows what is new."""
    made, ticks = await _machine(), _Ticks()
    async with _tokens(ticks) as tokens:
        assert await tokens.authenticate(made.token)
        await _revoke_unnoticed(made.machine.id)
        ticks.now += 1.5
        assert await tokens.authenticate(made.token)
        await asyncio.sleep(0.2)
        assert await tokens.authenticate(made.token) is None


async def test_a_revocation_takes_effect_by_notification(committed_database: TestDatabase) -> None:
    """In another process too: here through the listener's own connection, long before the two seconds are over."""
    made, other, ticks = await _machine(), await _machine(), _Ticks()
    async with _tokens(ticks) as tokens:
        listener = Listener(committed_database.service_url, {CHANNEL: tokens.forget})
        await listener.start()
        try:
            assert await tokens.authenticate(made.token)
            assert await tokens.authenticate(other.token)
            await revoke_machine(ADMIN, made.machine.id, now=utc_now())
            for _ in range(200):
                if await tokens.authenticate(made.token) is None:
                    break
                await asyncio.sleep(0.01)
            assert await tokens.authenticate(made.token) is None
            assert await tokens.authenticate(other.token)
        finally:
            await listener.stop()


async def test_a_look_up_that_began_before_a_revocation_is_not_kept(committed_database: TestDatabase) -> None:
    """Its answer may be old: the next call asks again."""
    made, ticks = await _machine(), _Ticks()
    async with _tokens(ticks) as tokens:
        running = asyncio.create_task(tokens.authenticate(made.token))
        for _ in range(3):  # the look-up itself is a task of its own
            await asyncio.sleep(0)
        tokens.forget(str(made.machine.id))
        await running
        await _revoke_unnoticed(made.machine.id)
        assert await tokens.authenticate(made.token) is None


async def test_whoever_is_disabled_has_no_machine(committed_database: TestDatabase) -> None:
    """Linked by identifier or by address; what identity tells about a person is forgotten at once."""
    early = await _machine("ida@acme.example")
    person = await add_person("ida@acme.example")
    late = await _machine("ida@acme.example")
    async with _tokens(_Ticks()) as tokens:
        assert await tokens.authenticate(early.token)
        assert await tokens.authenticate(late.token)
        async with pooled() as connection:
            await connection.execute("UPDATE person SET is_disabled = true WHERE id = $1", person)
        tokens.forget(str(person))
        assert await tokens.authenticate(early.token) is None
        assert await tokens.authenticate(late.token) is None


async def test_many_calls_at_once_ask_the_database_once(committed_database: TestDatabase) -> None:
    """And a caller that goes away takes nobody's answer along."""
    made = await _machine()
    async with _tokens(_Ticks()) as tokens:
        calls = [asyncio.create_task(tokens.authenticate(made.token)) for _ in range(100)]
        await asyncio.sleep(0)
        assert len(tokens._running) == 1
        calls[0].cancel()
        found = await asyncio.gather(*calls, return_exceptions=True)
        assert isinstance(found[0], asyncio.CancelledError)
        assert all(isinstance(each, AuthenticatedMachine) for each in found[1:])


async def test_strangers_cannot_fill_the_memory(committed_database: TestDatabase) -> None:
    """Unknown tokens are remembered in a small place of their own."""
    made = await _machine()
    async with _tokens(_Ticks()) as tokens:
        assert await tokens.authenticate(made.token)
        for number in range(UNKNOWN_MAX + 50):
            assert await tokens.authenticate(f"ol_{number:043}") is None
        assert len(tokens._unknown) == UNKNOWN_MAX
        assert len(tokens._known) == 1


async def test_without_a_database_nobody_is_let_through(committed_database: TestDatabase) -> None:
    """The call is refused with an error that the hook endpoint turns into a deny, even for a known token."""
    made, ticks = await _machine(), _Ticks()
    async with _tokens(ticks) as tokens:
        assert await tokens.authenticate(made.token)
        await disconnect()
        ticks.now += 2.0
        with pytest.raises(DatabaseUnreachableError):
            await tokens.authenticate(made.token)
        with pytest.raises(DatabaseUnreachableError):
            await tokens.authenticate("ol_" + "x" * 43)


async def test_a_machine_at_work_is_seen_at_most_once_a_minute(committed_database: TestDatabase) -> None:
    """With the version of its client; later calls write nothing until a minute is over."""
    made = await _machine()
    now = datetime(2026, 8, 20, 9, 0, tzinfo=UTC)
    tokens = MachineTokens(lambda: now)

    async def seen(client_version: str) -> tuple[datetime | None, str]:
        assert await tokens.authenticate(made.token, client_version=client_version)
        await asyncio.gather(*tokens._tasks)
        machine = await machine_by_id(made.machine.id)
        return machine.last_seen_at, machine.client_version

    started = now
    assert await seen("0.36.58") == (started, "0.36.58")
    now += timedelta(seconds=59)
    assert await seen("0.37.0") == (started, "0.36.58")
    now += timedelta(seconds=1)
    assert await seen("0.37.8\x1b[2J") == (now, "0.37.8 [2J")
    now += timedelta(seconds=61)
    assert await seen("") == (now, "0.37.8 [2J")
    await tokens.close()


async def test_a_machine_has_the_groups_of_its_person(committed_database: TestDatabase) -> None:
    """As policies see them: approver groups by their name, groups of a directory with their source."""
    made = await _machine("ida@acme.example")
    corp = Source(SourceKind.DIRECTORY, "corp")
    profile = accounts.Profile(key="ida", user_name="ida", display_name="Ida", email="ida@acme.example")
    async with transaction():
        await accounts.provision(corp.actor, corp, profile, utc_now())
        await groups.set_members(corp.actor, corp, {"a": "Leads"}, {"ida": frozenset({"a"})}, utc_now())
    (leads,) = await groups.groups_of(corp)
    async with transaction():
        await current_connection().execute(
            "INSERT INTO group_grant (id, identity_group, role, project, created_at, created_by) "
            "VALUES (uuidv7(), $1, 'group:payments', '', now(), ''), (uuidv7(), $1, 'group:core', '/srv', now(), '')",
            leads.id,
        )
    async with _tokens(_Ticks()) as tokens:
        found = await tokens.authenticate(made.token)
        assert found is not None
        assert found.groups == {"payments", "directory:corp/Leads"}
