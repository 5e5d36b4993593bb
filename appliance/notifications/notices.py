"""What other features have to tell, put into the outbox: each class fills a port of theirs."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from appliance.agents.coverage.records import CoverageState, Covered
from appliance.clock import Clock
from appliance.database.transaction import transaction
from appliance.identity.break_glass.records import Notice as GlassNotice
from appliance.notifications.outbox import tell
from appliance.notifications.records import Kind, Notice

ALARM_KEPT: Final = timedelta(days=1)


class AskNotices:
    """Fills the port of approvals."""

    async def opened(self, ask_id: UUID, now: datetime, expires_at: datetime) -> None:
        """Somebody's answer is wanted; inside the running transaction."""
        await tell(Notice(kind=Kind.ASK_OPENED, about=ask_id, created_at=now, expires_at=expires_at))

    async def ended(self, ask_id: UUID, now: datetime) -> None:
        """Nobody's answer is wanted any more; inside the running transaction."""
        await tell(Notice(kind=Kind.ASK_ENDED, about=ask_id, created_at=now, expires_at=now + timedelta(hours=1)))


class GlassAlarm:
    """Fills the port of the owner behind glass."""

    async def tell(self, notice: GlassNotice) -> None:
        """Tell whoever looks after the installation; the notice itself stands in the ledger already."""
        async with transaction():
            await tell(
                Notice(
                    kind=Kind.BREAK_GLASS, name=notice.event, created_at=notice.at, expires_at=notice.at + ALARM_KEPT
                )
            )


class DirectoryAlarm:
    """Fills the port of directories; each directory is told of once a day."""

    async def held(self, directory: str, run_id: UUID, now: datetime) -> None:
        """A run stopped at the brake; inside the running transaction."""
        once = f"{Kind.DIRECTORY_HELD}:{run_id}"
        await tell(
            Notice(
                kind=Kind.DIRECTORY_HELD, about=run_id, name=directory, once=once, created_at=now,
                expires_at=now + ALARM_KEPT,
            )
        )  # fmt: skip

    async def failing(self, directory: str, now: datetime) -> None:
        """A run failed; people hear of it once a day, not with each further run."""
        once = f"{Kind.DIRECTORY_FAILING}:{directory}:{now.date().isoformat()}"
        async with transaction():
            await tell(
                Notice(
                    kind=Kind.DIRECTORY_FAILING, name=directory, once=once, created_at=now, expires_at=now + ALARM_KEPT
                )
            )


class CoverageAlarm:
    """Fills the port of agents' coverage; each agent on a machine is told of once a day for each of its states."""

    def __init__(self, clock: Clock) -> None:
        """`clock` says when it was noted."""
        self._clock = clock

    async def tell(self, found: Covered) -> None:
        """Hooks of an agent were changed, or it works without them; inside the running transaction."""
        now, runtime = self._clock(), found.runtime
        is_tampered = found.state is CoverageState.TAMPERED
        kind = Kind.COVERAGE_TAMPERED if is_tampered else Kind.COVERAGE_SILENT
        once = f"{kind}:{runtime.id}:{now.date().isoformat()}"
        notice = Notice(
            kind=kind, about=runtime.id, name=runtime.agent, once=once, created_at=now, expires_at=now + ALARM_KEPT
        )
        await tell(notice)
