"""What features have to tell: once where it would repeat itself, and to whom."""

from datetime import datetime, timedelta
from uuid import UUID

from appliance.agents.coverage.records import LastHook
from appliance.agents.coverage.service import note_hooks, record_activity, review
from appliance.database.connection import read_connection
from appliance.database.identifiers import uuid7
from appliance.database.transaction import transaction
from appliance.identity.records import Role
from appliance.notifications.notices import CoverageAlarm, DirectoryAlarm
from appliance.notifications.records import Severity
from tests.appliance.agents.test_service import enrolled, token
from tests.support.decisions import NOON
from tests.support.notifying import Telling, somebody
from tests.support.postgres import TestDatabase

HOUR = timedelta(hours=1)
ROLES = (Role.OWNER, Role.ADMINISTRATOR, Role.SECURITY, Role.APPROVER, Role.MEMBER)


async def _seen_silent(machine: UUID, agent: str, now: datetime) -> None:
    """The agent works without a hook, which a look at it tells; a hook of an hour ago ends what was told before."""
    await note_hooks([LastHook(machine_id=machine, agent=agent, at=now - HOUR, decision_id=uuid7())])
    await review(CoverageAlarm(lambda: now), now - HOUR)
    await record_activity(machine, None, "ida-mbp", agent, now)
    await review(CoverageAlarm(lambda: now), now)


async def _seen_tampered(machine: UUID, agent: str, now: datetime) -> None:
    """The agent says that its settings were changed."""
    change = LastHook(machine_id=machine, agent=agent, at=now, decision_id=uuid7(), config_changed_at=now)
    await note_hooks([change])
    await review(CoverageAlarm(lambda: now), now)


async def _outbox() -> list[tuple[str, str]]:
    """Kind and name of everything that is to be told."""
    async with read_connection() as connection:
        rows = await connection.fetch("SELECT kind, name FROM notification ORDER BY id")
    return [(row["kind"], row["name"]) for row in rows]


async def _told(telling: Telling, phones: dict[Role, UUID]) -> dict[str, set[Role]]:
    """Which roles have heard of what."""
    await telling.after()
    roles = {phone: role for role, phone in phones.items()}
    heard: dict[str, set[Role]] = {}
    for to, message in telling.outside.sent:
        heard.setdefault(message.kind.value, set()).add(roles[to])
    return heard


async def _phones(telling: Telling) -> dict[Role, UUID]:
    """One person of each role, with a browser that is subscribed."""
    return {role: await telling.phone(await somebody(role)) for role in ROLES}


async def test_an_agent_without_hooks_is_told_of_once_a_day(rolled_back_database: TestDatabase) -> None:
    """However often it comes and goes; another agent on the same machine is told of by itself."""
    machine = (await enrolled(await token())).machine.id
    for hours in (0, 3, 6):
        await _seen_silent(machine, "codex", NOON + hours * HOUR)
    assert await _outbox() == [("coverage.silent", "codex")]
    await _seen_silent(machine, "gemini", NOON + 7 * HOUR)
    await _seen_silent(machine, "codex", NOON + 24 * HOUR)
    assert await _outbox() == [("coverage.silent", name) for name in ("codex", "gemini", "codex")]


async def test_a_changed_agent_is_told_to_whoever_looks_after_the_installation(
    committed_database: TestDatabase,
) -> None:
    """Owners, administrators and security; a change of hooks is urgent, a silent agent is not."""
    telling = Telling()
    phones = await _phones(telling)
    machine = (await enrolled(await token())).machine.id
    await _seen_silent(machine, "codex", NOON)
    await _seen_tampered(machine, "claude", NOON)
    everybody = {Role.OWNER, Role.ADMINISTRATOR, Role.SECURITY}
    assert await _told(telling, phones) == {"coverage.silent": everybody, "coverage.tampered": everybody}
    severities = {(message.kind.value, message.severity) for _, message in telling.outside.sent}
    assert severities == {("coverage.silent", Severity.NORMAL), ("coverage.tampered", Severity.HIGH)}


async def test_a_directory_is_the_administrators(committed_database: TestDatabase) -> None:
    """Owners and administrators hear of a run that waits and of a directory that fails; the first one is urgent."""
    telling = Telling()
    phones = await _phones(telling)
    async with transaction():
        await DirectoryAlarm().held("corp", uuid7(), NOON)
    await DirectoryAlarm().failing("corp", NOON)
    both = {Role.OWNER, Role.ADMINISTRATOR}
    assert await _told(telling, phones) == {"directory.held": both, "directory.failing": both}
    severities = {(message.kind.value, message.severity) for _, message in telling.outside.sent}
    assert severities == {("directory.held", Severity.HIGH), ("directory.failing", Severity.NORMAL)}
