"""`leashctl restore`: bring an installation back from its backups."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from appliance.backups.errors import BackupsOffError, RestoreRefusedError
from appliance.backups.restoring import Plan, Target, Work
from appliance.backups.sealing import Identity
from appliance.bootstrap.backups import store_of
from installer.console import print_json, size_text
from installer.context import CommandLine
from installer.errors import REFUSED
from installer.steps.database import embedded_server
from installer.steps.lock import StateLock
from installer.steps.restoring import Restore, Restored

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
restore_app = typer.Typer(rich_markup_mode=None)
_TELL_SECONDS = 0.2


@restore_app.command("restore")
def restore(  # noqa: PLR0913 - one option each
    ctx: typer.Context,
    *,
    identity: Annotated[Path, typer.Option(metavar="FILE", help="The private key of one of the recipients.")],
    to: Annotated[
        str, typer.Option(metavar="MOMENT", help="A time such as 2026-11-30T14:05:00Z, or a place in the log (LSN).")
    ] = "",
    source: Annotated[
        str, typer.Option("--from", metavar="URL", help="Another store than backups.store, e.g. file:///mnt/copy.")
    ] = "",
    system: Annotated[str, typer.Option(metavar="ID", help="Which installation, if the store holds several.")] = "",
    backup: Annotated[str, typer.Option(metavar="ID", help="From this backup instead of the nearest one.")] = "",
    replace: Annotated[
        str, typer.Option(metavar="ID", help="Move the database with this identifier aside; without it nothing is.")
    ] = "",
    only_plan: Annotated[bool, typer.Option("--plan", help="Say what would be read, and change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Restore database, keys and ledger to the newest state, or to --to; then `leashctl up` goes on from there.

    Nothing may run on the state directory. Sessions and open asks end; people sign in again.
    """
    line: CommandLine = ctx.obj
    settings = msgspec.structs.replace(line.config.backups, **({"store": source} if source else {}))
    if not settings.store:
        raise BackupsOffError
    if embedded_server(line.config) is None:
        raise RestoreRefusedError("This restores the embedded database; yours is restored by its own tools")
    lock = StateLock.acquire(line.config.state.directory, line.config.public_origin)
    try:
        with _told() as tell:
            work = Restore(line, store_of(settings), Identity(identity.read_text()), tell)
            found, wanted = work.plan(system, _target(to), backup)
            done = None if only_plan else work.run(wanted, replace)
    finally:
        lock.release()
    if as_json:
        print_json(wanted if done is None else done)
    elif done is None:
        _show_plan(wanted, len(found.backups), work.present_system())
    else:
        _show(done)
    if done is not None and not done.ledger.is_intact:
        raise typer.Exit(REFUSED)


def _target(text: str) -> Target:
    if not text:
        return Target()
    if "/" in text:
        return Target(lsn=text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as problem:
        raise typer.BadParameter(f"{text!r} is neither a time such as 2026-11-30T14:05:00Z nor an LSN") from problem
    if moment.tzinfo is None:
        raise typer.BadParameter(f"{text!r} has no time zone; add Z for UTC, or an offset such as +01:00")
    return Target(time=moment.astimezone(UTC))


def _show_plan(wanted: Plan, backups: int, present: str) -> None:
    typer.echo(f"installation {wanted.system}, {backups} backups in the store")
    for each in wanted.chain:
        size = size_text(each.base.size)
        typer.echo(f"  {each.kind.value:<11} of {each.ended_at:%Y-%m-%d %H:%M:%S} UTC, {size}  {each.id}")
    typer.echo(f"  {len(wanted.log)} files of the log; {size_text(wanted.size)} to fetch in all")
    if present:
        typer.echo(f"The state directory holds the database {present}; --replace {present} moves it aside.")


def _show(done: Restored) -> None:
    after, backup = done.aftermath, done.plan.chain[-1]
    typer.echo(f"Restored in {done.seconds:.0f} s from the backup of {backup.ended_at:%Y-%m-%d %H:%M:%S} UTC.")
    typer.echo(f"  ended: {after.sessions} sessions, {after.asks} open asks, {after.links} links")
    if after.erased:
        typer.echo(f"  erased again: {after.erased} people")
    if done.migrated:
        typer.echo(f"  {len(done.migrated)} migrations of this release were applied")
    for each in done.moved:
        typer.echo(f"  what was there before: {each}")
    if "config.restored.toml" in done.files:
        typer.echo("  the configuration of then is config.restored.toml in the state directory")
    if done.ledger.is_intact:
        typer.echo(f"  the ledger is intact: {done.ledger.leaves} entries")
    else:
        typer.echo("  THE LEDGER IS NOT WHAT WAS SIGNED: run `leashctl ledger verify` before you start the service")
    typer.echo("Next: leashctl up")


@contextmanager
def _told() -> Iterator[Callable[[Work], None]]:
    """Progress on standard error: in place on a terminal, a line a step elsewhere."""
    is_terminal, began, last, step = sys.stderr.isatty(), time.monotonic(), 0.0, ""

    def tell(work: Work) -> None:
        nonlocal last, step
        now = time.monotonic()
        if is_terminal and (work.step != step or now - last > _TELL_SECONDS):
            left = (now - began) * (work.total - work.done) / work.done if work.done else 0.0
            rest = f", about {left:.0f} s left" if work.total and left >= 1 else ""
            part = f" {100 * work.done // work.total}%" if work.total else ""
            sys.stderr.write(f"\r\x1b[2K{work.step} ...{part}{rest}")
            sys.stderr.flush()
            last = now
        elif not is_terminal and work.step != step:
            sys.stderr.write(f"{work.step} ...\n")
        step = work.step

    yield tell
    if is_terminal:
        sys.stderr.write("\r\x1b[2K")
