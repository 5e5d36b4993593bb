"""Directories with fakes behind them, on a real database and a clock that the test moves."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from appliance.config.sign_in import Directory as DirectorySettings
from appliance.identity.directories.service import Directories
from tests.support.fake_directory import URL, FakeDirectory
from tests.support.people import NOW
from tests.support.postgres import TestDatabase

Build = Callable[..., Directories]


class Hands:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **amount: float) -> None:
        self.now += timedelta(**amount)


def settings(**fields: object) -> DirectorySettings:
    """A directory's settings; the brake is off unless the test says otherwise."""
    chosen = {"brake_percent": 100, "brake_people": 1000, "full_sync_hours": 24, **fields}
    return DirectorySettings(kind="ldap", urls=(URL,), user_base="ou=people,dc=example", bind_dn="cn=leash", **chosen)  # type: ignore[arg-type] # whatever a test names


@pytest.fixture
def hands() -> Hands:
    """The clock."""
    return Hands()


@pytest.fixture
def corp() -> FakeDirectory:
    """The directory `corp`."""
    return FakeDirectory("corp")


@pytest.fixture
def build(corp: FakeDirectory, hands: Hands, committed_database: TestDatabase) -> Build:
    """Build the service for `corp` with these settings."""

    def made(*more: FakeDirectory, **fields: object) -> Directories:
        ports = (corp, *more)
        return Directories(ports, {port.name: settings(**fields) for port in ports}, hands)

    return made
