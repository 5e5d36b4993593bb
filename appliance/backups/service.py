"""The verbs of backups, for jobs, commands and pages."""

import asyncio
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from appliance.backups import catalogue, events, names, rules
from appliance.backups.catalogue import Catalogue
from appliance.backups.errors import BackupError
from appliance.backups.log_keeping import LogKeeper, Shipped
from appliance.backups.ports import Store
from appliance.backups.records import Backup, Kind
from appliance.backups.sealing import Recipients
from appliance.backups.taking import Progress, Source, Taker, server_of
from appliance.clock import Clock
from appliance.config.backups import Backups as Settings
from appliance.database.connection import current_connection
from appliance.database.identifiers import uuid7
from appliance.database.transaction import transaction
from appliance.ledger.records import Actor, LedgerEntry
from appliance.ledger.service import append

_PROBLEM_MAX: Final = 500


def _silent(_done: int, _total: int) -> None:
    """Tell nobody."""


class Prunable(msgspec.Struct, frozen=True, kw_only=True):
    """What is beyond what is kept: backups, names of all objects that go with them, and their bytes."""

    backups: tuple[str, ...]
    objects: tuple[str, ...]
    size: int


class Backups:
    """Backups of this installation."""

    def __init__(self, settings: Settings, source: Source, store: Store, recipients: Recipients, clock: Clock) -> None:
        """Nothing is connected yet: a store that is away must keep nothing else from starting."""
        self.settings = settings
        self.store = store
        self._source = source
        self._recipients = recipients
        self._keeping = _keeping_of(settings)
        self._taker = Taker(source, store, recipients, clock)
        self._clock = clock
        self._keeper: LogKeeper | None = None

    def now(self) -> datetime:
        """The clock that everything here goes by."""
        return self._clock()

    async def take(self, actor: Actor, kind: Kind, progress: Progress = _silent) -> Backup:
        """Take a base backup now; that it was tried is recorded whatever becomes of it.

        Raises:
            BackupError: it failed; the store holds what it held.
        """
        run, started = uuid7(), self._clock()
        async with transaction():
            await current_connection().execute(
                "INSERT INTO backup_run (id, kind, state, started_at, started_by) VALUES ($1, $2, 'running', $3, $4)",
                run, kind.value, started, f"{actor.kind.value}:{actor.id}"[:64],
            )  # fmt: skip
        try:
            taken = await asyncio.to_thread(self._taker.take, kind, progress)
        except BackupError as problem:
            await self._failed(run, actor, problem)
            raise
        await self._taken(run, actor, taken)
        return taken

    async def _taken(self, run: UUID, actor: Actor, taken: Backup) -> None:
        size = taken.base.size + taken.manifest.size + taken.secrets.size
        facts = {
            "kind": taken.kind.value, "bytes": size, "recipients": len(taken.recipients),
            "ends": f"{taken.ends.timeline}/{taken.ends.lsn}",
            "seconds": round((taken.ended_at - taken.started_at).total_seconds()),
        }  # fmt: skip
        async with transaction():
            await current_connection().execute(
                "UPDATE backup_run SET state = 'done', kind = $2, ended_at = $3, backup = $4, size = $5 WHERE id = $1",
                run, taken.kind.value, taken.ended_at, taken.id, size,
            )  # fmt: skip
            await append(
                LedgerEntry(event=events.TAKEN, actor=actor, subject=f"backup:{taken.id}", facts=facts),
                now=self._clock(),
            )

    async def _failed(self, run: UUID, actor: Actor, problem: BackupError) -> None:
        now = self._clock()
        async with transaction():
            await current_connection().execute(
                "UPDATE backup_run SET state = 'failed', ended_at = $2, problem = $3 WHERE id = $1",
                run, now, problem.detail[:_PROBLEM_MAX],
            )  # fmt: skip
            await append(
                LedgerEntry(event=events.FAILED, actor=actor, subject=f"backup:{run}", facts={"code": problem.code}),
                now=now,
            )

    async def keep_log(self) -> Shipped | None:
        """Let the log flow: start the receiver if it does not run, store what has arrived, note how it stands.

        Safe to call again and again; what could not be stored stays in the spool and is tried the next time.

        Raises:
            BackupError: it did not work now.
        """
        shipped, problem = None, None
        try:
            shipped = await asyncio.to_thread(self._ship)
        except BackupError as raised:
            problem = raised
        await self._note_log(shipped, problem)
        if problem is not None:
            raise problem
        return shipped

    def _ship(self) -> Shipped:
        if self._keeper is None:
            programs = self._source.programs
            keeper = LogKeeper(
                programs, self.store, self._recipients, spool=self.spool, system=server_of(programs).system
            )
            keeper.ensure_slot()
            self._keeper = keeper
        receiving: BackupError | None = None
        try:
            self._keeper.receive()
        except BackupError as problem:  # what has arrived already leaves nevertheless
            receiving = problem
        shipped = self._keeper.ship()
        if receiving is not None:
            raise receiving
        return shipped

    async def _note_log(self, shipped: Shipped | None, problem: BackupError | None) -> None:
        now = self._clock()
        files, size = (0, 0) if self._keeper is None else await asyncio.to_thread(self._keeper.waiting)
        await write_log_state(
            now, shipped_at=now if shipped is not None else None, waiting=(files, size),
            problem="" if problem is None else problem.detail[:_PROBLEM_MAX], disk_percent=self.disk_percent(),
        )  # fmt: skip

    @property
    def spool(self) -> Path:
        """Where the log waits for its way to the store."""
        return self._source.folder / "log"

    def disk_percent(self) -> int:
        """How full the disk of the spool is."""
        usage = shutil.disk_usage(self._source.state)
        return round(100 * usage.used / usage.total)

    async def catalogue(self) -> Catalogue:
        """What the store holds of this installation.

        Raises:
            BackupError: database or store do not answer.
        """
        return await asyncio.to_thread(lambda: catalogue.read(self.store, server_of(self._source.programs).system))

    async def prunable(self) -> Prunable:
        """What may go, by the settings; nothing is deleted."""
        return self._beyond(await self.catalogue())

    async def prune(self, actor: Actor) -> Prunable:
        """Delete what is beyond what is kept.

        Raises:
            StoreRefusedError: this machine may not delete there, or the objects are locked.
        """
        beyond = await self.prunable()
        if beyond.objects:
            await asyncio.to_thread(catalogue.delete, self.store, beyond.objects)
            facts = {"backups": len(beyond.backups), "objects": len(beyond.objects), "bytes": beyond.size}
            async with transaction():
                await append(
                    LedgerEntry(event=events.PRUNED, actor=actor, subject="backup:all", facts=facts), now=self._clock()
                )
        return beyond

    def _beyond(self, found: Catalogue) -> Prunable:
        stays = rules.kept(found.backups, self._keeping, self._clock())
        gone = [backup for backup in found.backups if backup.id not in stays]
        objects = {
            name: size
            for backup in gone
            for name, size in (
                # The description first: a backup whose parts are going must not look like one.
                (names.description(backup.system, backup.id), 0),
                *((part.name, part.size) for part in (backup.base, backup.manifest, backup.secrets)),
            )
        }
        left = [backup for backup in found.backups if backup.id in stays]
        first = rules.first_segment_needed(left)
        if first is not None:
            objects |= {
                each.name: each.size
                for each in found.log
                if rules.is_segment(file := names.file_of(each.name)) and rules.segment_number(file) < first
            }
        return Prunable(backups=tuple(backup.id for backup in gone), objects=tuple(objects), size=sum(objects.values()))

    def close(self) -> None:
        """End the receiver."""
        if self._keeper is not None:
            self._keeper.stop()


async def write_log_state(
    now: datetime, *, shipped_at: datetime | None, waiting: tuple[int, int], problem: str, disk_percent: int
) -> None:
    """Note how the log leaves this machine; the time of the last success stays where there is no new one."""
    async with transaction():
        await current_connection().execute(
            "INSERT INTO backup_log_state (id, looked_at, shipped_at, waiting_files, waiting_bytes, problem, "
            "disk_percent) VALUES (1, $1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO UPDATE SET looked_at = $1, "
            "shipped_at = coalesce($2, backup_log_state.shipped_at), waiting_files = $3, waiting_bytes = $4, "
            "problem = $5, disk_percent = $6",
            now, shipped_at, *waiting, problem, disk_percent,
        )  # fmt: skip


def _keeping_of(settings: Settings) -> rules.Keeping:
    """How much is kept, as the settings say it."""
    return rules.Keeping(
        daily=settings.keep_daily, weekly=settings.keep_weekly, monthly=settings.keep_monthly,
        recovery=timedelta(days=settings.recovery_days), zone=ZoneInfo(settings.time_zone),
    )  # fmt: skip
