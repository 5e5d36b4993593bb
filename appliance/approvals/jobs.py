"""What approvals do on a schedule."""

from appliance.approvals.service import Approvals
from appliance.clock import Clock
from appliance.job import Job


def jobs(approvals: Approvals, clock: Clock) -> tuple[Job, ...]:
    """Expiry: an ask that nobody answered in time is denied, also when no call waits for it any more."""

    async def expire() -> None:
        await approvals.expire_due(clock())

    return (Job(name="approvals.expire", run=expire, every_seconds=2.0),)
