"""`leashctl backup`: take backups, list them, say how they stand, make keys."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from appliance.backups.catalogue import Catalogue
from appliance.backups.health import statements
from appliance.backups.queries import LogState, Run, log_state, runs
from appliance.backups.records import Backup, Kind
from appliance.backups.sealing import keygen
from appliance.backups.service import Prunable
from appliance.backups.taking import Progress
from appliance.clock import utc_now
from appliance.ledger.records import Actor, ActorKind
from installer.console import print_json, size_text
from installer.context import CommandLine
from installer.errors import REFUSED

if TYPE_CHECKING:
    from appliance.bootstrap import Appliance

backup_app = typer.Typer(help="Take backups and look at them.", no_args_is_help=True, rich_markup_mode=None)
OPERATOR = Actor(kind=ActorKind.OPERATOR, id="leashctl")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@backup_app.command("keygen")
def keygen_(
    *,
    output: Annotated[
        Path, typer.Option(metavar="FILE", help="Where the private key goes; take it off this machine afterwards.")
    ],
    as_json: AsJson = False,
) -> None:
    """Make a pair of keys; the public one is printed, for backups.recipients. Make two, and keep them apart."""
    public, private = keygen()
    output.touch(mode=0o600, exist_ok=False)
    output.write_text(f"# public key: {public}\n{private}\n")
    if as_json:
        print_json({"recipient": public, "file": str(output)})
    else:
        typer.echo(public)


@backup_app.command("take")
def take(
    ctx: typer.Context,
    *,
    incremental: Annotated[
        bool, typer.Option("--incremental", help="Only what has changed since the last one, if that is possible.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take a base backup now."""

    async def work(appliance: "Appliance") -> Backup:
        with _progress() as tell:
            return await appliance.backups.get().take(OPERATOR, Kind.INCREMENTAL if incremental else Kind.FULL, tell)

    taken: Backup = _run(ctx, work)
    if as_json:
        print_json(taken)
    else:
        stored = f"{size_text(taken.base.size)} stored of {size_text(taken.base.plain_bytes)}"
        typer.echo(f"{taken.kind.value} backup {taken.id}: {stored}")


@backup_app.command("list")
def list_(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """List what the store holds, the oldest first."""

    async def work(appliance: "Appliance") -> Catalogue:
        return await appliance.backups.get().catalogue()

    found: Catalogue = _run(ctx, work)
    if as_json:
        print_json(found)
        return
    for backup in found.backups:
        what = f"{backup.kind.value:<11}  {size_text(backup.base.size):>9}  {backup.id}"
        typer.echo(f"{backup.ended_at:%Y-%m-%d %H:%M} UTC  {what}")
    for name, why in found.unreadable:
        typer.echo(f"unreadable: {name}: {why}")
    typer.echo(f"{len(found.backups)} backups, {len(found.log)} files of the log, {size_text(found.size)}")


@backup_app.command("status")
def status(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """Say how backups stand; exit code 1 if anything is not well."""

    async def work(appliance: "Appliance") -> tuple[tuple[Run, ...], LogState | None, tuple[str, ...]]:
        return await runs(5), await log_state(), await statements(appliance.config.backups, utc_now())

    last, log, problems = _run(ctx, work)
    if as_json:
        print_json({"runs": last, "log": log, "problems": problems})
    else:
        for run in last:
            typer.echo(f"{run.started_at:%Y-%m-%d %H:%M} UTC  {run.kind:<11}  {run.state:<8}{run.problem}")
        if log is not None and log.shipped_at is not None:
            typer.echo(f"log          stored up to {log.shipped_at:%Y-%m-%d %H:%M:%S} UTC")
            typer.echo(f"disk         {log.disk_percent}% full")
        for problem in problems:
            typer.echo(problem)
    if problems:
        raise typer.Exit(REFUSED)


@backup_app.command("prune")
def prune(
    ctx: typer.Context,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and delete nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete what is beyond what is kept; the schedules do so after each backup."""

    async def look(appliance: "Appliance") -> Prunable:
        return await appliance.backups.get().prunable()

    async def work(appliance: "Appliance") -> Prunable:
        return await appliance.backups.get().prune(OPERATOR)

    beyond: Prunable = _run(ctx, look)
    if not dry_run and beyond.objects:
        if not (yes or as_json):
            typer.confirm(f"Delete {len(beyond.backups)} backups, {len(beyond.objects)} objects?", abort=True)
        beyond = _run(ctx, work)
    if as_json:
        print_json(beyond)
    else:
        verb = "would go" if dry_run else "are gone"
        typer.echo(f"{len(beyond.backups)} backups and {len(beyond.objects)} objects {verb}, {size_text(beyond.size)}")


def _run(ctx: typer.Context, work: Callable[["Appliance"], Awaitable[Any]]) -> Any:  # noqa: ANN401 - as many as commands
    line: CommandLine = ctx.obj

    async def opened() -> Any:  # noqa: ANN401 - as above
        async with line.open() as appliance:
            return await work(appliance)

    return asyncio.run(opened())


@contextmanager
def _progress() -> Iterator[Progress]:
    """Tells a terminal how far it is, in place."""
    is_terminal, last = sys.stderr.isatty(), -1

    def tell(done: int, total: int) -> None:
        nonlocal last
        percent = min(99, 100 * done // max(1, total))
        if is_terminal and percent != last:
            last = percent
            sys.stderr.write(f"\r\x1b[2K{percent}% of {size_text(total)}")
            sys.stderr.flush()

    yield tell
    if is_terminal and last >= 0:
        sys.stderr.write("\r\x1b[2K")
