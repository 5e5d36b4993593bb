"""A running application whose directory lies in memory and fails in the ways in which real ones do."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from appliance.bootstrap import build_appliance
from appliance.clock import utc_now
from appliance.config import Config
from appliance.config.sections import Server, State
from appliance.config.sign_in import Directory as DirectorySettings
from appliance.database.connection import connect, disconnect
from appliance.identity.directories.service import Directories
from appliance.identity.directories.trials import build_trials
from server.app import create_app
from tests.support.fake_directory import FakeDirectory
from tests.support.postgres import TestPostgres
from tests.support.syncing import settings
from tests.support.web import running
from tests.support.web_world import ORIGIN, WIDE_OPEN, World, _peopled


@asynccontextmanager
async def directory_world(
    postgres: TestPostgres, place: Path, fake: FakeDirectory, described: DirectorySettings | None = None
) -> AsyncIterator[World]:
    """A world with one directory, that of the fake; `described` is what the configuration says of it."""
    config = Config(server=Server(public_url=ORIGIN), api=WIDE_OPEN, state=State(directory=place))
    async with postgres.database() as database:
        await connect(database.service_url)
        try:
            built = await build_appliance(config, database.service_url, utc_now)
            directories = Directories([fake], {fake.name: described or settings()}, utc_now)
            trials = build_trials(directories, os.urandom(32), attempts_per_minute=1000)
            appliance = replace(built, directories=directories, trials=trials)
            async with running(create_app(config, appliance), ORIGIN) as client:
                yield await _peopled(appliance, client)
        finally:
            await disconnect()
