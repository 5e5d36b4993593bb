"""What tests of directory sync share: settings, a clock that is moved by hand, looks at the database."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from appliance.config.sign_in import Directory as DirectorySettings
from appliance.database.connection import read_connection
from appliance.identity.directories import queries
from appliance.identity.directories.plans import RunState
from appliance.identity.directories.service import Directories
from tests.support.fake_directory import URL
from tests.support.people import NOW

Build = Callable[..., Directories]


class Hands:
    """A clock that is moved by hand, and a microsecond further by every look at it: no two things are at once."""

    def __init__(self) -> None:
        """It begins at NOW."""
        self.now = NOW

    def __call__(self) -> datetime:
        """The time."""
        self.forward(microseconds=1)
        return self.now

    def forward(self, **amount: float) -> None:
        """Move it, in the words of timedelta."""
        self.now += timedelta(**amount)


def settings(**fields: Any) -> DirectorySettings:  # noqa: ANN401 - whatever a test names
    """A directory's settings; the brake is off unless the test says otherwise."""
    chosen = {"brake_percent": 100, "brake_people": 1000, **fields}
    return DirectorySettings(kind="ldap", urls=(URL,), user_base="ou=people,dc=example", bind_dn="cn=leash", **chosen)


async def ended(directory: str = "corp") -> None:
    """Wait until no run of the directory is under way."""
    async with asyncio.timeout(20):
        while any(run.state is RunState.RUNNING for run in await queries.runs(directory=directory)):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def enabled(directory: str = "corp") -> dict[str, bool]:
    """User name -> whether the person may come in, of everybody with an account of the directory."""
    async with read_connection() as connection:
        rows = await connection.fetch(
            "SELECT a.user_name, NOT p.is_disabled AND NOT a.is_disabled AS is_enabled FROM external_account a "
            "JOIN person p ON p.id = a.person WHERE a.source = $1",
            f"directory:{directory}",
        )
    return {row["user_name"]: row["is_enabled"] for row in rows}


async def memberships(directory: str = "corp") -> dict[str, set[str]]:
    """User name -> names of groups, of whoever is in any."""
    async with read_connection() as connection:
        rows = await connection.fetch(
            "SELECT a.user_name, array_agg(g.name) AS groups FROM external_account a "
            "JOIN identity_group g ON g.id = ANY(a.groups) "
            "WHERE a.source = $1 GROUP BY a.user_name",
            f"directory:{directory}",
        )
    return {row["user_name"]: set(row["groups"]) for row in rows}


async def rows_of(*tables: str) -> dict[str, int]:
    """Number of rows, by table."""
    async with read_connection() as connection:
        return {name: await connection.fetchval(f"SELECT count(*) FROM {name}") for name in tables}  # noqa: S608
