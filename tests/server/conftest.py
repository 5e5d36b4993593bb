"""One running application for the tests of a module."""

from collections.abc import AsyncIterator

import pytest

from tests.support.postgres import TestPostgres
from tests.support.web_world import World, web_world


@pytest.fixture(scope="module")
async def world(postgres: TestPostgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The application with its defaults, apart from the rates."""
    async with web_world(postgres, tmp_path_factory.mktemp("state")) as running:
        yield running
