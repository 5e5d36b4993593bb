"""Directories that misbehave; the real ones are the modules' own, or the session's."""

from collections.abc import AsyncIterator

import pytest

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
