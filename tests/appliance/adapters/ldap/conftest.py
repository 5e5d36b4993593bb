"""Directories to talk to: one that misbehaves, and real ones."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.samba import Samba, samba
from tests.support.stub_directory import StubDirectory, stub_directory


@pytest.fixture
async def stub() -> AsyncIterator[StubDirectory]:
    """A directory that does as it is told."""
    async with stub_directory() as running:
        yield running


@pytest.fixture
async def second_stub() -> AsyncIterator[StubDirectory]:
    """Another host of the same directory."""
    async with stub_directory() as running:
        yield running


@pytest.fixture(scope="session")
def domain() -> Iterator[Samba]:
    """An Active Directory; making it takes ten seconds, so all tests share it and use people of their own."""
    with samba() as running:
        yield running
