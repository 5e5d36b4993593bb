"""What coverage needs on a schedule."""

from datetime import datetime

from appliance.agents.coverage.ports import CoverageAlarm, HookSource
from appliance.agents.coverage.service import note_decided_hooks, review
from appliance.clock import Clock
from appliance.job import Job


def jobs(source: HookSource, alarm: CoverageAlarm, clock: Clock) -> tuple[Job, ...]:
    """Note what arrived, then look at what has become of each agent."""
    looked_until: datetime | None = None

    async def look() -> None:
        nonlocal looked_until
        looked_until = await note_decided_hooks(source, clock(), looked_until=looked_until)
        await review(alarm, clock())

    return (Job(name="coverage.look", run=look, every_seconds=15.0),)
