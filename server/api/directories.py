"""Directories and their runs, for scripts."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody

from appliance.identity.directories import queries
from appliance.identity.directories.errors import RunUnknownError
from appliance.identity.directories.plans import Run, RunKind, RunState
from appliance.identity.directories.records import HostStatus
from appliance.identity.directories.showing import Line, Numbers, lines_of_run
from appliance.identity.rules import Permission
from server.api.records import PAGE, Body, Limit
from server.authentication import signed_in_of
from server.authorization import requires, requires_step_up
from server.dashboard.dependencies import AnyRequest, appliance_of
from server.dashboard.directory_cards import directory_cards

_READ = requires(Permission.SETTINGS_READ)
_MANAGE = requires(Permission.PEOPLE_MANAGE)


class SyncRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run; `seconds_to_effect` is how long, at most, somebody kept access whom the directory had disabled."""

    id: UUID
    directory: str
    kind: RunKind
    state: RunState
    started_at: datetime
    ended_at: datetime | None
    counts: Mapping[str, int]
    problem: str
    seconds_to_effect: float | None
    started_by: str
    resolved_at: datetime | None
    resolved_by: str


class SyncRunDetail(SyncRun, frozen=True, kw_only=True):
    """A run with what it changed, or would change as long as it is held."""

    changes: list[Line]


class DirectoryState(msgspec.Struct, frozen=True, kw_only=True):
    """How a directory stands; hosts as the process that answers has met them."""

    name: str
    label: str
    kind: str
    hosts: list[HostStatus]
    is_unencrypted_allowed: bool
    known: Numbers
    is_synchronised: bool
    next_run_at: datetime | None
    last_good: SyncRun | None
    last_failed: SyncRun | None
    held: SyncRun | None
    seconds_to_effect: float | None


class DirectoriesPage(msgspec.Struct, frozen=True, kw_only=True):
    """Every directory; `statements` say what an operator must know, a sentence each."""

    directories: list[DirectoryState]
    statements: list[str]


class SyncRunPage(msgspec.Struct, frozen=True, kw_only=True):
    """Runs, newest first; `next` is `before` of the following page."""

    runs: list[SyncRun]
    next: UUID | None


class SyncBody(Body, frozen=True, kw_only=True):
    """How much to read; what is due if it is left out."""

    kind: RunKind | None = None


@get("/v1/directories", guards=[_READ], tags=["Directories"])
async def list_directories(request: AnyRequest) -> DirectoriesPage:
    """Hosts, runs and numbers of each directory."""
    appliance = appliance_of(request)
    return DirectoriesPage(
        directories=[
            DirectoryState(
                name=card.name,
                label=card.label,
                kind=card.settings.kind,
                hosts=list(card.hosts),
                is_unencrypted_allowed=card.settings.allow_unencrypted,
                known=card.numbers,
                is_synchronised=card.is_on,
                next_run_at=card.next_run_at,
                last_good=_told(card.status.last_good),
                last_failed=_told(card.status.last_failed),
                held=_told(card.status.held),
                seconds_to_effect=card.status.seconds_to_effect,
            )
            for card in await directory_cards(appliance)
        ],
        statements=list(await appliance.directories.statements()),
    )


@get("/v1/directories/{name:str}/runs", guards=[_READ], tags=["Directories"])
async def list_runs(
    request: AnyRequest, name: FromPath[str], before: FromQuery[UUID | None] = None, limit: Limit = PAGE
) -> SyncRunPage:
    """The history of a directory."""
    appliance_of(request).directories.port(name)
    found = await queries.runs(directory=name, before=before, limit=limit)
    return SyncRunPage(runs=[_run(run) for run in found], next=found[-1].id if len(found) == limit else None)


@get("/v1/directories/{name:str}/runs/{run_id:uuid}", guards=[_READ], tags=["Directories"])
async def show_one_run(name: FromPath[str], run_id: FromPath[UUID]) -> SyncRunDetail:
    """One run with its whole difference."""
    return await _detail(await _run_of(name, run_id))


@post("/v1/directories/{name:str}/sync", guards=[_MANAGE], status_code=202, tags=["Directories"])
async def sync(request: AnyRequest, name: FromPath[str], data: JSONBody[SyncBody]) -> SyncRunDetail:
    """Begin to bring the directory's people up to its state; read the run until its `state` is not `running`."""
    actor = signed_in_of(request).actor
    return await _detail(await appliance_of(request).directories.start(actor, name, data.kind))


@post(
    "/v1/directories/{name:str}/runs/{run_id:uuid}/confirm",
    guards=[_MANAGE, requires_step_up],
    status_code=200,
    tags=["Directories"],
)
async def confirm_run(request: AnyRequest, name: FromPath[str], run_id: FromPath[UUID]) -> SyncRunDetail:
    """Let a held run happen; nobody is disabled whom it did not show."""
    await _run_of(name, run_id)
    return await _detail(await appliance_of(request).directories.confirm_run(signed_in_of(request).actor, run_id))


@post(
    "/v1/directories/{name:str}/runs/{run_id:uuid}/reject",
    guards=[_MANAGE, requires_step_up],
    status_code=200,
    tags=["Directories"],
)
async def reject_run(request: AnyRequest, name: FromPath[str], run_id: FromPath[UUID]) -> SyncRunDetail:
    """Refuse a held run."""
    await _run_of(name, run_id)
    return await _detail(await appliance_of(request).directories.reject_run(signed_in_of(request).actor, run_id))


@post(
    "/v1/directories/{name:str}/runs/{run_id:uuid}/undo",
    guards=[_MANAGE, requires_step_up],
    status_code=200,
    tags=["Directories"],
)
async def undo_run(request: AnyRequest, name: FromPath[str], run_id: FromPath[UUID]) -> SyncRunDetail:
    """Let in again whom a run disabled, and give back the groups that it took."""
    await _run_of(name, run_id)
    return await _detail(await appliance_of(request).directories.undo_run(signed_in_of(request).actor, run_id))


async def _run_of(name: str, run_id: UUID) -> Run:
    """The run, if it is of this directory; raises RunUnknownError."""
    run = await queries.run_by_id(run_id)
    if run.directory != name:
        raise RunUnknownError
    return run


async def _detail(run: Run) -> SyncRunDetail:
    return SyncRunDetail(**_fields(run), changes=list(await lines_of_run(run)))


def _run(run: Run) -> SyncRun:
    return SyncRun(**_fields(run))


def _told(run: Run | None) -> SyncRun | None:
    return None if run is None else _run(run)


def _fields(run: Run) -> dict[str, Any]:
    return {name: getattr(run, name) for name in SyncRun.__struct_fields__}


handlers = [list_directories, list_runs, show_one_run, sync, confirm_run, reject_run, undo_run]
