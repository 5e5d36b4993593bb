"""What the database needs on a schedule."""

from appliance.clock import Clock
from appliance.database.connection import pooled
from appliance.database.partitions import ensure_partitions
from appliance.job import Job

_HOUR = 3600.0


def jobs(clock: Clock) -> tuple[Job, ...]:
    """Partitions of the months to come, long before their first row."""

    async def make_partitions() -> None:
        async with pooled() as connection:
            await ensure_partitions(connection, clock())

    return (Job(name="database.ensure_partitions", run=make_partitions, every_seconds=_HOUR),)
