"""One verification of the ledger at a time, in the background, with its progress and its last report."""

import asyncio
from datetime import datetime

import structlog
from litestar.datastructures import State

from appliance.clock import Clock
from appliance.errors import LeashError
from appliance.ledger.ledger import Ledger
from appliance.ledger.records import VerifyReport

log = structlog.get_logger("dashboard")
_STATE = "ledger_verification"


class Verification:
    """The process's verification.

    Attributes:
        done, total: leaves, while it runs.
        report: of the last run that ended; None before.
        problem: why the last run could not end; empty if it did.
        ended_at: when the last run ended.
    """

    def __init__(self) -> None:
        self.done = self.total = 0
        self.report: VerifyReport | None = None
        self.problem = ""
        self.ended_at: datetime | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def is_running(self) -> bool:
        """Whether one is at work."""
        return self._task is not None and not self._task.done()

    def start(self, ledger: Ledger, clock: Clock) -> None:
        """Begin, unless one is at work already."""
        if not self.is_running:
            self.done = self.total = 0
            self._task = asyncio.create_task(self._run(ledger, clock), name="ledger verification")

    async def wait(self) -> None:
        """Until the one at work has ended."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _run(self, ledger: Ledger, clock: Clock) -> None:
        try:
            self.report, self.problem = await ledger.verify(progress=self._progress), ""
        except LeashError as problem:
            self.problem = f"{problem.detail}. {problem.next_step}"
        except Exception:
            log.exception("ledger.verification_failed")
            self.problem = "The verification could not be finished; the log of the service tells why."
        self.ended_at = clock()

    def _progress(self, done: int, total: int) -> None:
        self.done, self.total = done, total


def verification_of(state: State) -> Verification:
    """The verification of this process, made when it is first asked for."""
    found = state.get(_STATE)
    if not isinstance(found, Verification):
        found = state[_STATE] = Verification()
    return found
