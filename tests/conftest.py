"""Fixtures and rules that hold for every test: a real database, areas, and no silent skips."""

import os
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from appliance.database.connection import connect, disconnect
from appliance.database.transaction import transaction
from tests.support.postgres import TestDatabase, TestPostgres, test_postgres
from tests.support.samba import Samba, samba

AREAS = ("road", "signin", "clients", "keeping", "host", "kubernetes", "visibility")
# The area of the tests below a folder; what is not named here belongs to the main road.
AREA_OF: dict[str, str] = {
    "appliance/backups": "keeping",
    "appliance/config/test_backups": "keeping",
    "journeys/test_backups": "keeping",
    "appliance/agents/test_golden": "clients",
    "appliance/approvals/test_interactions": "clients",
    "appliance/approvals/test_news": "clients",
    "appliance/approvals/test_proof": "clients",
    "appliance/approvals/test_responses": "clients",
    "appliance/identity/test_streams": "clients",
    "appliance/policy/test_recipes": "clients",
    "appliance/test_feed": "clients",
    "appliance/endpoint": "clients",
    "installer/commands/test_clients": "clients",
    "journeys/test_phone_page": "clients",
    "server/api/test_discovery": "clients",
    "server/dashboard/test_installed": "clients",
    "server/dashboard/test_payload": "clients",
    "server/dashboard/test_questions": "clients",
    "server/hooks/test_every_event": "clients",
    "server/test_streams": "clients",
    "appliance/adapters/jose": "signin",
    "appliance/clients": "clients",
    "appliance/agents/configuration": "clients",
    "appliance/agents/coverage": "clients",
    "appliance/agents/shim": "clients",
    "appliance/adapters/ldap": "signin",
    "appliance/adapters/outbound": "signin",
    "appliance/identity/break_glass": "signin",
    "appliance/notifications": "clients",
    "appliance/adapters/notifications": "clients",
    "server/api/test_notifications": "clients",
    "server/dashboard/test_notifications": "clients",
    "journeys/test_notifications": "clients",
    "appliance/identity/directories": "signin",
    "appliance/identity/flows": "signin",
    "appliance/identity/passkeys": "signin",
    "appliance/identity/providers": "signin",
    "appliance/identity/provisioning": "signin",
    "appliance/identity/test_accounts": "signin",
    "appliance/identity/test_admission": "signin",
    "appliance/identity/test_devices": "signin",
    "appliance/identity/test_external": "signin",
    "appliance/identity/test_finding": "signin",
    "appliance/identity/test_group_grants": "signin",
    "appliance/identity/test_groups": "signin",
    "appliance/identity/test_last_owner": "signin",
    "appliance/identity/test_step_ups": "signin",
    "appliance/identity/test_unlinking": "signin",
    "appliance/identity/test_whois": "signin",
    "installer/commands/test_groups": "signin",
    "installer/commands/test_notifications": "clients",
    "installer/commands/test_identity": "signin",
    "installer/commands/test_provisioning": "signin",
    "journeys/test_corporate_sign_in": "signin",
    "journeys/test_passkeys": "signin",
    "journeys/test_phone_at_a_provider": "signin",
    "journeys/test_phone_sign_in": "signin",
    "journeys/test_published_clients": "clients",
    "journeys/test_client_contract": "clients",
    "journeys/test_provider_sign_in": "signin",
    "server/api/clients": "clients",
    "server/api/test_mobile_auth": "signin",
    "server/dashboard/test_apps": "signin",
    "server/dashboard/test_directories": "signin",
    "server/dashboard/test_groups": "signin",
    "server/dashboard/test_people": "signin",
    "server/dashboard/test_providers": "signin",
    "server/api/test_coverage": "clients",
    "server/dashboard/test_connecting": "clients",
    "server/api/test_directories": "signin",
    "server/api/test_organization": "clients",
    "server/api/test_people": "signin",
    "journeys/test_directories": "signin",
    "journeys/test_reverse_proxy": "clients",
    "journeys/test_shim": "clients",
    "server/dashboard/test_step_up": "signin",
    "server/scim": "signin",
}
ROOT = Path(__file__).parent


class _RollBack(Exception):  # noqa: N818 - a signal, not an error
    """Ends a test's transaction."""


@pytest.fixture(scope="session")
async def postgres() -> AsyncIterator[TestPostgres]:
    """The session's PostgreSQL server."""
    async with test_postgres() as running:
        yield running


@pytest.fixture(scope="session")
def domain() -> Iterator[Samba]:
    """An Active Directory; making it takes ten seconds, so all tests share it and use people of their own."""
    with samba() as running:
        yield running


@pytest.fixture
async def committed_database(postgres: TestPostgres) -> AsyncIterator[TestDatabase]:
    """A migrated database of the test's own; the process's pool is connected to it as the service."""
    async with postgres.database() as database:
        await connect(database.service_url)
        try:
            yield database
        finally:
            await disconnect()


@pytest.fixture(scope="session")
async def shared_database(postgres: TestPostgres) -> AsyncIterator[TestDatabase]:
    """A migrated database in which nothing is ever committed."""
    async with postgres.database() as database:
        yield database


@pytest.fixture
async def rolled_back_database(shared_database: TestDatabase) -> AsyncIterator[TestDatabase]:
    """A database with the test inside one transaction, which is rolled back."""
    await connect(shared_database.service_url)
    try:
        with suppress(_RollBack):
            async with transaction():
                yield shared_database
                raise _RollBack
    finally:
        await disconnect()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let one area of the product be chosen."""
    parser.addoption("--area", choices=AREAS, help="run the tests of one area only")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark each test with its area, and leave out those of other areas."""
    wanted = config.getoption("--area")
    kept, dropped = list[pytest.Item](), list[pytest.Item]()
    for item in items:
        area = _area(item.path)
        item.add_marker(pytest.mark.area(area))
        (kept if wanted in {None, area} else dropped).append(item)
    config.hook.pytest_deselected(items=dropped)
    items[:] = kept


def _area(path: Path) -> str:
    folder = path.relative_to(ROOT).as_posix()
    return next((area for prefix, area in AREA_OF.items() if folder.startswith(prefix)), "road")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a skipped test is a failed one: what it would have shown, nobody has seen."""
    report = yield
    if report.skipped and os.environ.get("CI") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped: {report.longrepr}"
    return report
