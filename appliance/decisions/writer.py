"""Group commit: every decision that waits while a commit is under way goes into the next one."""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

import asyncpg
import structlog

from appliance.clock import Clock
from appliance.database.connection import UNREACHABLE, Connection, open_connection, session_settings
from appliance.database.errors import DatabaseError
from appliance.decisions import events
from appliance.decisions.errors import NotRecordedError
from appliance.decisions.records import Recorded
from appliance.decisions.statements import RECORD, record_arguments
from appliance.ledger.records import Actor, ActorKind, LedgerEntry
from appliance.ledger.service import prepare
from appliance.ledger.statements import APPEND, append_arguments

BATCH_MAX = 500
RECONNECT_SECONDS = 0.2
log = structlog.get_logger(__name__)
_FAILURES = (*UNREACHABLE, DatabaseError)
# What is wrong with an entry, not with the database.
_REFUSALS = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
# Of a decision, who waits for it, and until when by the loop's time.
_Waiting = tuple[Recorded, asyncio.Future[None], float]


class DecisionWriter:
    """Writes decisions with their ledger entries; a write returns when it is durable, or raises."""

    def __init__(self, url: str, *, timeout_seconds: float, clock: Clock) -> None:
        """`timeout_seconds` bounds the wait for one durable commit, connecting and waiting behind another included."""
        self._url = url
        self._timeout = timeout_seconds
        self._clock = clock
        self._queue: list[_Waiting] = []
        # Everybody who waits, longest first; one timer for all of them, because one for each is never needed.
        self._waiting: deque[_Waiting] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._filled = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._connection: Connection = None
        self._lost_since: datetime | None = None
        self._unrecorded = 0
        self._is_stopping = False

    @property
    def is_healthy(self) -> bool:
        """Whether the last commit, or the first connection, succeeded."""
        return self._connection is not None and self._lost_since is None

    async def start(self) -> None:
        """Connect and begin to write."""
        await self._connected()
        self._task = asyncio.create_task(self._run(), name="decision-writer")

    async def stop(self) -> None:
        """Finish what waits, then close."""
        if self._task is not None:
            self._is_stopping = True
            self._filled.set()
            await self._task
        if self._connection is not None:
            with suppress(*UNREACHABLE):  # a silent server is left behind
                await self._connection.close(timeout=1)

    async def write(self, recorded: Recorded) -> None:
        """Return when the decision and its ledger entry are durable.

        Raises:
            NotRecordedError: they are not, or nobody can know in time; the action must be denied.
        """
        if self._is_stopping:
            raise NotRecordedError("The service is stopping, so the action is denied")
        loop = asyncio.get_running_loop()
        future, until = loop.create_future(), loop.time() + self._timeout
        waiting = (recorded, future, until)
        self._queue.append(waiting)
        self._waiting.append(waiting)
        if self._timer is None:
            self._timer = loop.call_at(until, self._deny_overdue)
        self._filled.set()
        await future

    def _deny_overdue(self) -> None:
        """Deny whoever has waited too long, and come back when the next one has."""
        loop = asyncio.get_running_loop()
        while self._waiting:
            _, future, until = self._waiting[0]
            if not future.done():
                if until > loop.time():
                    self._timer = loop.call_at(until, self._deny_overdue)
                    return
                future.set_exception(NotRecordedError())
            self._waiting.popleft()
        self._timer = None

    def count_unrecorded(self) -> None:
        """Remember a deny that could not be recorded; its number enters the ledger after recovery."""
        self._unrecorded += 1
        self._lost_since = self._lost_since or self._clock()
        # Recovery must not wait for the next decision: a balancer sends none to a service that is not ready.
        self._filled.set()

    async def _run(self) -> None:
        while self._queue or not self._is_stopping:
            if not self._queue:
                self._filled.clear()
                try:
                    async with asyncio.timeout(RECONNECT_SECONDS if self._lost_since else None):
                        await self._filled.wait()
                except TimeoutError:
                    await self._recover()
                    continue
            batch, self._queue = self._queue[:BATCH_MAX], self._queue[BATCH_MAX:]
            # Whoever waited long behind another batch is denied soon: their little time must not become the batch's.
            latest = asyncio.get_running_loop().time() + self._timeout / 3
            await self._commit([item for item in batch if not item[1].done() and item[2] > latest])

    async def _commit(self, batch: Sequence[_Waiting]) -> None:
        if not batch:
            return
        try:
            # Nothing is committed that is denied already, as far as that can be known.
            async with asyncio.timeout_at(min(until for _, _, until in batch)):
                await self._execute([recorded for recorded, _, _ in batch])
        except _REFUSALS as problem:
            await self._commit_singly(batch, problem)
        except Exception as problem:  # noqa: BLE001 - whatever it is: these are denied, and the writer must live on
            self._fail(batch, problem)
        else:
            for _, future, _ in batch:
                if not future.done():
                    future.set_result(None)
            while self._waiting and self._waiting[0][1].done():
                self._waiting.popleft()
            if self._lost_since:
                await self._recover()

    async def _commit_singly(self, batch: Sequence[_Waiting], problem: Exception) -> None:
        """One entry that the database refuses must not take the others with it."""
        if len(batch) == 1:
            self._fail(batch, problem)
            return
        for item in batch:
            await self._commit([item])

    def _fail(self, batch: Sequence[_Waiting], problem: Exception) -> None:
        log.error("decision.not_recorded", decisions=len(batch), problem=f"{type(problem).__name__}: {problem}")
        if not isinstance(problem, _REFUSALS):
            self._drop_connection()
        for _, future, _ in batch:
            if not future.done():
                future.set_exception(NotRecordedError())

    async def _execute(self, batch: Sequence[Recorded]) -> None:
        connection = await self._connected()
        await connection.fetchval(RECORD, *record_arguments(batch))

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            settings = session_settings("leash-decisions", statement_timeout_seconds=5)
            self._connection = await open_connection(self._url, settings)
        return self._connection

    def _drop_connection(self) -> None:
        self._lost_since = self._lost_since or self._clock()
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _recover(self) -> None:
        """After an outage: record how many denies could not be recorded, and since when."""
        count, since = self._unrecorded, self._lost_since
        entry = LedgerEntry(
            event=events.UNRECORDED,
            actor=Actor(kind=ActorKind.SYSTEM, id="decisions"),
            subject="service:decisions",
            facts={"count": count, "since": since.isoformat() if since else ""},
        )
        try:
            async with asyncio.timeout(self._timeout):
                connection = await self._connected()
                await connection.fetchval(APPEND, *append_arguments([prepare(entry, now=self._clock())]))
        except _FAILURES:
            self._drop_connection()
            await asyncio.sleep(RECONNECT_SECONDS)
            return
        self._unrecorded -= count
        # Denies that were counted meanwhile are told by the next round.
        self._lost_since = self._clock() if self._unrecorded else None
        log.info("decision.recovered", unrecorded_denies=count)
