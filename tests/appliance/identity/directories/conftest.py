"""Directories with fakes behind them, on a real database and a clock that the test moves."""

import pytest

from appliance.identity.directories.service import Directories
from tests.support.fake_directory import FakeDirectory
from tests.support.postgres import TestDatabase
from tests.support.syncing import Build, Hands, settings


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
    """Build the service for `corp`, and more directories, with these settings."""

    def made(*more: FakeDirectory, **fields: object) -> Directories:
        ports = (corp, *more)
        return Directories(ports, {port.name: settings(**fields) for port in ports}, hands)

    return made
