"""One directory's sync: reads, plans, stops at the brake, changes people in one transaction."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Final
from uuid import UUID
from zlib import crc32

import msgspec
import structlog

from appliance.clock import Clock
from appliance.config.sign_in import Directory as DirectorySettings
from appliance.database.connection import pooled
from appliance.database.transaction import transaction
from appliance.errors import LeashError
from appliance.identity.changes import take_turn
from appliance.identity.directories import events, memory, queries, rules, runs
from appliance.identity.directories.applying import apply, differences
from appliance.identity.directories.changes import changes_of, store_changes
from appliance.identity.directories.errors import RunClosedError, RunOutgrownError, SyncBusyError, SyncOffError
from appliance.identity.directories.plans import Brake, Plan, Preview, Run, RunKind, RunState, counts_of
from appliance.identity.directories.ports import Directory, NoSyncAlarm, SyncAlarm
from appliance.identity.directories.queries import Standing
from appliance.identity.directories.records import Change
from appliance.identity.records import Source, SourceKind
from appliance.ledger.records import Actor, ActorKind

# Any constant will do, as long as every release uses the same one; the second half of the lock is the directory.
_LOCK: Final = 0x73796E63
# Among the counts of a held run: the directory shows none of so many groups any more.
_GROUPS_GONE: Final = "groups_gone"
_OUTGROWN: Final = "It would take more than a held run had shown"
_REPEATS: Final = "The directory still shows what somebody refused"
log = structlog.get_logger(__name__)


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What was read.

    Attributes:
        started_at: what came about after this moment may be missing in it.
        is_quiet: it brought nothing new.
    """

    change: Change
    kind: RunKind
    started_at: datetime
    is_quiet: bool = False


class DirectorySync:
    """Sync of one directory; runs of the same one never overlap, in whatever process they are."""

    def __init__(
        self, port: Directory, settings: DirectorySettings, clock: Clock, alarm: SyncAlarm | None = None
    ) -> None:
        """`port` reads the directory that `settings` describe; `alarm` tells people where they are needed."""
        self.name = port.name
        self.source = Source(SourceKind.DIRECTORY, port.name)
        self.settings = settings
        self._port = port
        self._clock = clock
        self._alarm = alarm or NoSyncAlarm()
        self._brake = Brake(percent=settings.brake_percent, people=settings.brake_people)

    @property
    def is_on(self) -> bool:
        """Whether it runs by itself: there is an account to read with, and a time between two runs."""
        return self.settings.bind == "service" and self.settings.sync_seconds > 0

    async def run(
        self, actor: Actor | None = None, kind: RunKind | None = None, *, begun: asyncio.Future[UUID] | None = None
    ) -> Run:
        """Bring the people of the directory up to its state, or say in the run's `problem` why not.

        Args:
            actor: who asks for it; the schedule if nobody does.
            kind: how much to read; what is due if it is not given.
            begun: gets the run's identifier as soon as there is one, for somebody who looks at it meanwhile.

        Raises:
            SyncBusyError: another run of this directory is under way.
            SyncOffError: there is no account to read with.
        """
        acting = actor or self.source.actor
        async with self._turn():
            now = self._clock()
            due = kind or await self._kind_due(now)
            run_id = await runs.begin(self.name, due, self._basis, acting, now)
            try:
                if begun is not None and not begun.done():
                    begun.set_result(run_id)
                with _without_collector():
                    reading = await self._read(due, now)
                    if begun is not None:
                        await runs.has_read(run_id, len(reading.change.users), len(reading.change.groups))
                    async with transaction():
                        run_id = await self._settle(run_id, reading, acting)
            except LeashError as problem:
                await self._failed(run_id, due, problem.code, problem.detail, acting)
            except asyncio.CancelledError:
                await self._failed(run_id, due, "interrupted", runs.INTERRUPTED, acting)
                raise
            except (OSError, TimeoutError) as problem:
                said = f"{type(problem).__name__}: {problem}"
                await self._failed(run_id, due, "directory_unavailable", said, acting)
            except Exception as problem:
                await self._failed(run_id, due, "internal_error", type(problem).__name__, acting)
                raise
            return await queries.run_by_id(run_id)

    async def preview(self, kind: RunKind = RunKind.FULL) -> Preview:
        """What a run would do now; nothing at all is written.

        Raises:
            DirectoryUnavailableError, DirectoryIncompleteError: the directory's own words are in `detail`.
            SyncOffError: there is no account to read with.
        """
        self._check_is_readable()
        reading = await self._read(kind, self._clock())
        standing = await queries.standing_of(self.name, str(self.source))
        plan = await self._plan(reading, standing)
        return Preview(
            directory=self.name,
            kind=reading.kind,
            plan=plan,
            held=self._held(plan, standing),
            enabled=sum(not account.is_disabled for account in standing.accounts.values()),
        )

    async def confirm(self, run: Run, actor: Actor) -> Run:
        """Let a held run happen: read again, and take nothing that it did not show.

        Raises:
            RunClosedError: it is not held (any more).
            RunOutgrownError: more would be taken now; a new run is held in its place.
            SyncBusyError: another run of this directory is under way.
            DirectoryUnavailableError, DirectoryIncompleteError: it cannot be read now; the run stays held.
        """
        async with self._turn():
            reading = await self._read(run.kind, self._clock())
            async with transaction():
                await take_turn()
                standing, plan = await self._compared(reading)
                replacing: UUID | None = None
                if await self._is_shown_by(run, plan, standing):
                    await self._happen(run.id, reading, standing, plan, actor, before=RunState.HELD)
                    done = await queries.run_by_id(run.id)
                    await runs.resolve(done, RunState.DONE, actor.id, self._clock())
                else:
                    replacing = await runs.begin(self.name, reading.kind, self._basis, actor, reading.started_at)
                    await self._hold(replacing, reading, plan, standing, actor)
        if replacing is not None:
            raise RunOutgrownError(replacing)
        return await queries.run_by_id(run.id)

    async def _settle(self, run_id: UUID, reading: Reading, actor: Actor) -> UUID:
        """Apply or hold what was read, inside the running transaction; the run that tells of it."""
        await take_turn()
        standing, plan = await self._compared(reading)
        if not self._held(plan, standing):
            await self._happen(run_id, reading, standing, plan, actor)
            return run_id
        known = await queries.held_run(self.name)
        if known is not None and known.kind is reading.kind and await self._is_shown_by(known, plan, standing):
            await runs.forget(run_id)  # somebody may be looking at it
            return known.id
        refused = await queries.last_rejected(self.name)
        if refused is not None and actor.kind is ActorKind.SYSTEM and await self._is_shown_by(refused, plan, standing):
            raise RunClosedError(f"{_REPEATS} (run {refused.id}); start a run by hand to see it again")
        await self._hold(run_id, reading, plan, standing, actor)
        return run_id

    async def _happen(
        self, run_id: UUID, reading: Reading, standing: Standing, plan: Plan, actor: Actor, *,
        before: RunState = RunState.RUNNING,
    ) -> None:  # fmt: skip
        await self._supersede(run_id, "A later run could happen")
        earlier = await queries.last_good(self.name)
        applied = await apply(self.source, plan, standing, self._clock())
        await memory.remember(self.name, plan.remember, plan.forget)
        if plan.changes_people or before is RunState.HELD:
            await store_changes(run_id, applied.changes)
        now = self._clock()
        since = earlier.started_at if earlier else reading.started_at
        seconds = (now - since).total_seconds() if applied.disabled else None
        outcome = runs.Outcome(
            state=RunState.DONE, kind=reading.kind, counts=applied.counts, cursor=reading.change.cursor,
            seconds_to_effect=seconds,
        )  # fmt: skip
        await runs.end(run_id, outcome, now, before=before)
        if plan.changes_people or before is RunState.HELD:
            event = events.SYNC_CONFIRMED if before is RunState.HELD else events.SYNC_DONE
            facts: dict[str, Any] = {"kind": reading.kind.value, "counts": applied.counts}
            if seconds is not None:
                facts["seconds_to_effect"] = round(seconds, 3)
            await runs.record_run(actor, event, await queries.run_by_id(run_id), now, facts)

    async def _hold(self, run_id: UUID, reading: Reading, plan: Plan, standing: Standing, actor: Actor) -> None:
        await self._supersede(run_id, f"Run {run_id} took its place")
        now, counts, problem = self._clock(), counts_of(plan), self._held(plan, standing) or _OUTGROWN
        if gone := rules.groups_all_gone(plan, standing.groups):
            counts[_GROUPS_GONE] = gone
        await store_changes(run_id, differences(plan))
        await runs.end(
            run_id, runs.Outcome(state=RunState.HELD, kind=reading.kind, counts=counts, problem=problem), now
        )
        facts = {"kind": reading.kind.value, "counts": counts, "reason": problem}
        await runs.record_run(actor, events.SYNC_HELD, await queries.run_by_id(run_id), now, facts)
        await self._alarm.held(self.name, run_id, now)
        log.warning("directory_sync.held", directory=self.name, run=str(run_id), problem=problem)

    async def _supersede(self, run_id: UUID, why: str) -> None:
        """Nobody can confirm any more what another run has overtaken."""
        held = await queries.held_run(self.name)
        if held is not None and held.id != run_id:
            now = self._clock()
            await runs.resolve(held, RunState.REJECTED, "", now, problem=why)
            await runs.record_run(self.source.actor, events.SYNC_REJECTED, held, now, {"code": "superseded"})

    async def _failed(self, run_id: UUID, kind: RunKind, code: str, said: str, actor: Actor) -> None:
        outcome = runs.Outcome(state=RunState.FAILED, kind=kind, problem=said)
        await runs.fail(run_id, outcome, code, actor, self._clock())
        await self._alarm.failing(self.name, self._clock())
        log.warning("directory_sync.failed", directory=self.name, run=str(run_id), code=code, said=said)

    async def _read(self, kind: RunKind, now: datetime) -> Reading:
        """What the directory says; everything where only that tells who came in.

        Raises:
            DirectoryUnavailableError, DirectoryIncompleteError: from the port; nothing of it is used.
        """
        last = await queries.last_good(self.name) if kind is RunKind.INCREMENTAL else None
        if last is None or not last.cursor:
            return Reading(change=await self._port.read_all(), kind=RunKind.FULL, started_at=now)
        change, (remembered, met) = await self._port.read_since(last.cursor), await memory.keys_of(self.name)
        if rules.needs_everything(remembered, await queries.unmet_keys(str(self.source), met), change):
            change = await self._port.read_all()
        return Reading(
            change=change,
            kind=RunKind.FULL if change.is_complete else RunKind.INCREMENTAL,
            started_at=now,
            is_quiet=rules.is_quiet(remembered, change),
        )

    async def _compared(self, reading: Reading) -> tuple[Standing, Plan]:
        """What stands here, and the difference; neither is looked for where nothing is new."""
        if reading.is_quiet:
            return queries.NOTHING, Plan()
        standing = await queries.standing_of(self.name, str(self.source))
        return standing, await self._plan(reading, standing)

    async def _plan(self, reading: Reading, standing: Standing) -> Plan:
        """The difference, made in a thread: it takes a second for a large directory, and the ledger is sealed here."""
        rules.check_reading(standing.accounts, standing.entries, reading.change)
        return await asyncio.to_thread(
            rules.plan,
            standing.accounts,
            standing.groups,
            standing.members,
            standing.entries,
            reading.change,
            started_at=reading.started_at,
            depth=self.settings.group_depth,
            creates_people=self.settings.create_people,
        )

    def _held(self, plan: Plan, standing: Standing) -> str:
        return rules.held_by(self._brake, plan, standing.accounts, standing.groups, standing.undone)

    @staticmethod
    async def _is_shown_by(run: Run, plan: Plan, standing: Standing) -> bool:
        shown, is_without_groups = await changes_of(run.id), _GROUPS_GONE in run.counts
        return rules.is_no_more_than(plan, standing.groups, shown, showed_no_group=is_without_groups)

    async def _kind_due(self, now: datetime) -> RunKind:
        """Everything, if that is long ago, was read by other settings, or somebody took the last run back."""
        full, last = await queries.last_good(self.name, RunKind.FULL), await queries.last_good(self.name)
        if full is None or last is None or not last.cursor or last.basis != self._basis:
            return RunKind.FULL
        is_old = now - full.started_at >= timedelta(hours=self.settings.full_sync_hours)
        if is_old or await queries.last_undone(self.name) is not None:
            return RunKind.FULL
        return RunKind.INCREMENTAL

    @property
    def _basis(self) -> str:
        """Digest of the settings that decide who is found and what is said of them."""
        each = self.settings
        told = (each.kind, each.user_base, each.user_filter, each.group_base, each.group_filter, each.login_attributes)
        more = (each.name_attribute, each.email_attribute, each.group_depth, each.create_people)
        return blake2b(msgspec.json.encode((told, more)), digest_size=16).hexdigest()

    def _check_is_readable(self) -> None:
        if self.settings.bind != "service":
            raise SyncOffError

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Keep other processes from running this directory meanwhile; whoever dies loses the lock with its connection.

        Raises:
            SyncBusyError: somebody has it.
        """
        self._check_is_readable()
        number = crc32(self.name.encode()) - 2**31  # the lock's halves are signed
        async with pooled() as connection:  # which gives up its locks when it goes back to the pool
            if not await connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", _LOCK, number):
                raise SyncBusyError
            yield


@contextmanager
def _without_collector() -> Iterator[None]:
    """Let the collector of cycles rest: a large directory is a million values of which none is in a cycle.

    It would look at all of them again and again, which takes a quarter of the time of a first run.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
