"""What passkeys do on a schedule."""

from appliance.clock import Clock
from appliance.identity.passkeys.challenges import delete_expired
from appliance.job import Job


def jobs(clock: Clock) -> tuple[Job, ...]:
    """Questions whose time is over are refused anyway; this keeps them from piling up."""

    async def delete_expired_challenges() -> None:
        await delete_expired(clock())

    return (Job(name="passkeys.delete_expired", run=delete_expired_challenges, every_seconds=300.0),)
