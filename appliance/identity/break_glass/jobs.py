"""What the owner behind glass needs on a schedule."""

from appliance.clock import Clock
from appliance.identity.break_glass.service import BreakGlass
from appliance.job import Job


def jobs(break_glass: BreakGlass, clock: Clock) -> tuple[Job, ...]:
    """A session whose time is over is refused anyway; this says so in the ledger."""

    async def close_ended() -> None:
        await break_glass.close_ended(clock())

    return (Job(name="break_glass.close_ended", run=close_ended, every_seconds=15.0),)
