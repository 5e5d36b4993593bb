"""A decision road on a database of the test's own."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from appliance.bootstrap import Road, build_appliance, open_road
from appliance.clock import utc_now
from appliance.config import Config
from appliance.config.sections import State
from appliance.policy.service import publish
from tests.support.postgres import TestDatabase
from tests.support.roads import OPERATOR, POLICIES, Opens


@pytest.fixture
async def opens(committed_database: TestDatabase, tmp_path: Path) -> AsyncIterator[Opens]:
    """Opens a road with the test's policies and settings."""
    stack: list[Any] = []

    async def opens(**sections: Any) -> Road:  # noqa: ANN401 - sections of the configuration
        config = Config(state=State(directory=tmp_path), **sections)
        appliance = await build_appliance(config, committed_database.service_url, utc_now)
        if appliance.policies.version == 1:
            await publish(OPERATOR, POLICIES, "test", utc_now(), expected_version=1)
            await appliance.policies.reload()
        manager = open_road(appliance)
        stack.append((manager, appliance))
        return await manager.__aenter__()

    yield opens
    for manager, appliance in reversed(stack):
        await manager.__aexit__(None, None, None)
        appliance.identity.close()


@pytest.fixture
async def road(opens: Opens) -> Road:
    """A road with the defaults."""
    return await opens()
