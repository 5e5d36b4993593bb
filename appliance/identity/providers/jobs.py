"""What sign-in through providers does on a schedule."""

from datetime import datetime
from typing import Final

from appliance.clock import Clock
from appliance.database.connection import current_connection
from appliance.database.transaction import transaction
from appliance.job import Job

_TABLES: Final = ("oidc_flow", "oidc_logout_token")


def jobs(clock: Clock) -> tuple[Job, ...]:
    """Rows whose time is over are refused anyway; this keeps them from piling up."""

    async def delete_expired_rows() -> None:
        await delete_expired(clock())

    return (Job(name="providers.delete_expired", run=delete_expired_rows, every_seconds=300.0),)


async def delete_expired(now: datetime) -> None:
    """Delete errands that nobody came back from, and logout tokens that would be refused for their age."""
    async with transaction():
        for table in _TABLES:
            await current_connection().execute(f"DELETE FROM {table} WHERE expires_at <= $1", now)  # noqa: S608 - ours
