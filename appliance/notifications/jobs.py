"""What notifications do on a schedule."""

from datetime import timedelta

from appliance.approvals.service import CHANNEL
from appliance.clock import Clock
from appliance.job import Job
from appliance.notifications import claims, log
from appliance.notifications.service import Notifications


def jobs(notifications: Notifications, clock: Clock) -> tuple[Job, ...]:
    """Sending, woken by each change of an ask; the end of what is too late, and of what is old in the log."""

    async def end_late() -> None:
        await claims.end_late(clock())

    async def forget_old() -> None:
        while await log.forget_old(clock() - timedelta(days=notifications.log_days)):
            pass

    return (
        Job(name="notifications.deliver", run=notifications.dispatcher.run, every_seconds=1.0, wakes_on=CHANNEL),
        Job(name="notifications.end_late", run=end_late, every_seconds=15.0),
        Job(name="notifications.forget_old", run=forget_old, every_seconds=3600.0),
    )
