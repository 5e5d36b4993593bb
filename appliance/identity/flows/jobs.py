"""What apps' sign-in does on a schedule."""

from datetime import datetime, timedelta
from typing import Final

from appliance.clock import Clock
from appliance.database.connection import current_connection
from appliance.database.transaction import transaction
from appliance.job import Job

USED_KEPT: Final = timedelta(days=1)


def jobs(clock: Clock) -> tuple[Job, ...]:
    """Rows whose time is over are refused anyway; this keeps them from piling up."""

    async def delete_expired_rows() -> None:
        await delete_expired(clock())

    return (Job(name="sign_in_flows.delete_expired", run=delete_expired_rows, every_seconds=300.0),)


async def delete_expired(now: datetime) -> None:
    """Delete flows that nobody finished, and codes whose second use would be too late to matter."""
    async with transaction():
        connection = current_connection()
        await connection.execute("DELETE FROM app_flow WHERE expires_at <= $1", now)
        await connection.execute("DELETE FROM app_code WHERE expires_at <= $1", now - USED_KEPT)
