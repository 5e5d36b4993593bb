"""The directories of this installation, as pages, commands and sign-in are handed them."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from uuid import UUID

import structlog

from appliance.clock import Clock
from appliance.config.sign_in import Directory as DirectorySettings
from appliance.database.transaction import transaction
from appliance.errors import LeashError
from appliance.identity.changes import check_manages, recorded_refusals, take_turn
from appliance.identity.directories import events, queries, runs, undoing
from appliance.identity.directories.changes import changes_of
from appliance.identity.directories.errors import DirectoryUnknownError, RunClosedError, RunUnknownError
from appliance.identity.directories.plans import Preview, Run, RunKind, RunState
from appliance.identity.directories.ports import Directory, SyncAlarm
from appliance.identity.directories.queries import DirectoryStatus
from appliance.identity.directories.records import HostState
from appliance.identity.directories.sync import DirectorySync
from appliance.identity.errors import RoleChangeRefusedError
from appliance.identity.groups import shared_names
from appliance.identity.records import Source, SourceKind
from appliance.ledger.records import Actor

Adapter = Callable[[str, DirectorySettings], Directory]
_NAMES_SHOWN: Final = 3
log = structlog.get_logger(__name__)


class Directories:
    """Every configured directory by its name; each works without the others."""

    def __init__(
        self,
        ports: Iterable[Directory],
        settings: Mapping[str, DirectorySettings],
        clock: Clock,
        alarm: SyncAlarm | None = None,
    ) -> None:
        """`ports` are the adapters, `settings` by the same names; `alarm` tells people where they are needed."""
        self._ports = {port.name: port for port in ports}
        self._settings = settings
        self._clock = clock
        self._running = set[asyncio.Task[Run]]()
        self.syncs = {name: DirectorySync(port, settings[name], clock, alarm) for name, port in self._ports.items()}

    @property
    def names(self) -> tuple[str, ...]:
        """In the order of the configuration."""
        return tuple(self._ports)

    def port(self, name: str) -> Directory:
        """The directory itself, for sign-in and probes.

        Raises:
            DirectoryUnknownError: the configuration names no such one.
        """
        if name not in self._ports:
            raise DirectoryUnknownError
        return self._ports[name]

    def settings(self, name: str) -> DirectorySettings:
        """What the configuration says of it.

        Raises:
            DirectoryUnknownError: nothing.
        """
        self.port(name)
        return self._settings[name]

    def label(self, name: str) -> str:
        """What people call it."""
        return self.settings(name).label or name

    async def sync(self, actor: Actor, name: str, kind: RunKind | None = None) -> Run:
        """Run a directory's sync now; a run that fails is returned, its `problem` says why.

        Raises:
            DirectoryUnknownError, SyncBusyError, SyncOffError: nothing was begun.
            RoleChangeRefusedError: the actor does not manage people.
        """
        await self._check_may_sync(actor, name)
        return await self.syncs[name].run(actor, kind)

    async def start(self, actor: Actor, name: str, kind: RunKind | None = None) -> Run:
        """Begin a run that goes on by itself, and say how it stands at its beginning.

        Raises:
            DirectoryUnknownError, SyncBusyError, SyncOffError, RoleChangeRefusedError: as for `sync`.
        """
        await self._check_may_sync(actor, name)
        begun: asyncio.Future[UUID] = asyncio.get_running_loop().create_future()
        running = asyncio.create_task(self.syncs[name].run(actor, kind, begun=begun))
        self._running.add(running)
        running.add_done_callback(self._ended)
        either: tuple[asyncio.Future[Any], ...] = (running, begun)
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        try:
            return await (queries.run_by_id(begun.result()) if begun.done() else running)
        except RunUnknownError:  # it has ended, and what it would do was waiting for a person already
            return await running

    def _ended(self, running: asyncio.Task[Run]) -> None:
        self._running.discard(running)
        problem = None if running.cancelled() else running.exception()
        if problem is not None and not isinstance(problem, LeashError):
            log.error("directory_sync.broke", exc_info=problem)

    async def preview(self, name: str, kind: RunKind = RunKind.FULL) -> Preview:
        """What a run would do now; nothing at all is written.

        Raises:
            DirectoryUnknownError, SyncOffError: it cannot be read at all.
            DirectoryUnavailableError, DirectoryIncompleteError: it could not be read now.
        """
        self.port(name)
        return await self.syncs[name].preview(kind)

    async def confirm_run(self, actor: Actor, run_id: UUID) -> Run:
        """Let a held run happen after all; nothing is taken that it did not show.

        Raises:
            RunUnknownError, RunClosedError: there is no such held run.
            RunOutgrownError: more would be taken now; a new run is held in its place.
            RoleChangeRefusedError: the actor does not manage people.
            SyncBusyError, DirectoryUnavailableError, DirectoryIncompleteError: not now; it stays held.
        """
        run = await self._to_resolve(actor, "confirm_sync", run_id, RunState.HELD)
        return await self.syncs[run.directory].confirm(run, actor)

    async def reject_run(self, actor: Actor, run_id: UUID) -> Run:
        """Refuse a held run; scheduled runs that would do the same fail until the directory shows something else.

        Raises:
            RunUnknownError, RunClosedError, RoleChangeRefusedError: as for `confirm_run`.
        """
        run, now = await self._to_resolve(actor, "reject_sync", run_id, RunState.HELD), self._clock()
        async with transaction():
            await runs.resolve(run, RunState.REJECTED, actor.id, now)
            await runs.record_run(actor, events.SYNC_REJECTED, run, now, {"code": "refused"})
        return await queries.run_by_id(run_id)

    async def undo_run(self, actor: Actor, run_id: UUID) -> Run:
        """Let in again whom a run disabled, and give back the groups that it took.

        Roles that people gave or took meanwhile stay as they are. The next run reads everything, and is held if it
        would take the same again.

        Raises:
            RunUnknownError, RunClosedError: there is no such finished run.
            RoleChangeRefusedError: the actor does not manage all of these people, or is one of them.
        """
        run, now = await self._to_resolve(actor, "undo_sync", run_id, RunState.DONE), self._clock()
        source, subject = Source(SourceKind.DIRECTORY, run.directory), f"sync_run:{run_id}"
        async with recorded_refusals(actor, "undo_sync", subject, now, RoleChangeRefusedError), transaction():
            await take_turn()
            changes = await changes_of(run_id)
            await undoing.check_may_give_back(actor, source, changes)
            enabled = await undoing.let_in_again(actor, source, changes, now)
            given_back = await undoing.give_groups_back(actor, source, changes, now)
            await runs.resolve(run, RunState.UNDONE, actor.id, now)
            facts = {"enabled": enabled, "memberships": given_back}
            await runs.record_run(actor, events.SYNC_UNDONE, run, now, facts)
        return await queries.run_by_id(run_id)

    async def statuses(self) -> tuple[DirectoryStatus, ...]:
        """How sync of each directory stands."""
        return tuple([await queries.status_of(name) for name in self.names])

    async def statements(self) -> tuple[str, ...]:
        """What an operator must know about the directories, a sentence each; empty if all is well."""
        found: list[str] = []
        for name in self.names:
            found += self._about_connections(name)
            if self.syncs[name].is_on:
                found += self._about_sync(await queries.status_of(name))
            found += _about_names(name, await shared_names(Source(SourceKind.DIRECTORY, name)))
        return tuple(found)

    async def close(self) -> None:
        """Let go of every connection and thread; runs that were started here end without changing anybody."""
        for running in (running_now := tuple(self._running)):
            running.cancel()
        await asyncio.gather(*running_now, return_exceptions=True)
        for port in self._ports.values():
            await port.close()

    def _about_connections(self, name: str) -> list[str]:
        settings = self._settings[name]
        found = []
        if settings.allow_unencrypted:
            found.append(f"Directory {name}: allow_unencrypted is set; passwords may cross the network in the clear")
        found += [
            f"Directory {name}: {host.url} does not answer: {host.last_error}"
            for host in self._ports[name].hosts()
            if host.state is HostState.COOLING
        ]
        return found

    def _about_sync(self, status: DirectoryStatus) -> list[str]:
        name, found = status.directory, []
        if status.held is not None:
            found.append(f"Directory {name}: sync waits for a person. {status.held.problem} (run {status.held.id})")
        if status.last_failed is not None:
            since = f"last good {status.last_good.started_at:%Y-%m-%d %H:%M} UTC" if status.last_good else "never good"
            found.append(f"Directory {name}: sync fails ({since}): {status.last_failed.problem}")
        return found

    async def _check_may_sync(self, actor: Actor, name: str) -> None:
        self.port(name)
        async with recorded_refusals(actor, "sync", f"source:directory:{name}", self._clock(), RoleChangeRefusedError):
            await check_manages(actor, ())

    async def _to_resolve(self, actor: Actor, change: str, run_id: UUID, state: RunState) -> Run:
        """The run that somebody decides about.

        Raises:
            RunUnknownError, RunClosedError, RoleChangeRefusedError: it is none of theirs to decide about.
        """
        now = self._clock()
        async with recorded_refusals(actor, change, f"sync_run:{run_id}", now, RoleChangeRefusedError):
            await check_manages(actor, ())
        run = await queries.run_by_id(run_id)
        if run.state is not state or run.directory not in self.syncs:
            raise RunClosedError
        return run


def _about_names(directory: str, shared: tuple[str, ...]) -> list[str]:
    if not shared:
        return []
    more = f" and {len(shared) - _NAMES_SHOWN} more" if len(shared) > _NAMES_SHOWN else ""
    told = "several groups have the same name, so that policies see none of them by it"
    return [f"Directory {directory}: {told}: {', '.join(shared[:_NAMES_SHOWN])}{more}"]


def build_directories(
    settings: Mapping[str, DirectorySettings], adapter: Adapter, clock: Clock, alarm: SyncAlarm | None = None
) -> Directories:
    """All directories of the configuration; `adapter` makes the port of one."""
    return Directories([adapter(name, each) for name, each in settings.items()], settings, clock, alarm)
