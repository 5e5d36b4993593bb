"""`leashctl ledger`: verify what was recorded, and carry checkpoint, key and export off the machine."""

import asyncio
import os
import secrets
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from appliance.ledger.errors import CheckpointMissingError
from appliance.ledger.export import ExportResult
from appliance.ledger.queries import newest_checkpoint
from appliance.ledger.records import Actor, ActorKind, StoredCheckpoint, VerifyReport
from installer.console import print_json
from installer.context import CommandLine

if TYPE_CHECKING:
    from appliance.bootstrap import Appliance

ledger_app = typer.Typer(
    help="Verify the ledger, and take its proofs elsewhere.", no_args_is_help=True, rich_markup_mode=None
)

OPERATOR = Actor(kind=ActorKind.OPERATOR, id="leashctl")
_PRIVATE, _PUBLIC = 0o600, 0o644
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@ledger_app.command("verify")
def verify(
    ctx: typer.Context,
    *,
    checkpoint: Annotated[
        Path | None,
        typer.Option(metavar="FILE", allow_dash=True, help="A checkpoint kept elsewhere, or - for standard input."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Hash every sealed entry again and compare with what was signed; exit code 1 if anything was changed."""
    outside = None if checkpoint is None else _text_of(checkpoint)

    async def work(appliance: "Appliance") -> VerifyReport:
        with _progress() as tell:
            return await appliance.ledger.verify(outside=outside, progress=tell)

    report: VerifyReport = _run(ctx, work)
    if as_json:
        print_json(report)
    else:
        _show(report)
    if not report.is_intact:
        raise typer.Exit(1)


@ledger_app.command("checkpoint")
def checkpoint(
    ctx: typer.Context,
    *,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it here instead of printing it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print the newest signed checkpoint, to be kept on another machine."""

    async def work(_appliance: "Appliance") -> StoredCheckpoint | None:
        return await newest_checkpoint()

    newest: StoredCheckpoint | None = _run(ctx, work)
    if newest is None:
        raise CheckpointMissingError
    if output is not None:
        with _written(output, _PUBLIC) as file:
            file.write(newest.note.encode())
    if as_json:
        print_json({"size": newest.tree_size, "root": newest.root.hex(), "note": newest.note})
    elif output is None:
        typer.echo(newest.note, nl=False)


@ledger_app.command("export")
def export(
    ctx: typer.Context,
    *,
    output: Annotated[Path, typer.Option(metavar="FILE", help="Where to; only its owner may read it.")],
    as_json: AsJson = False,
) -> None:
    """Write everything that is sealed, content included, for `docs/ledger/verify_ledger.py`; this is recorded."""

    async def work(appliance: "Appliance") -> ExportResult:
        with _written(output, _PRIVATE) as file:
            return await appliance.ledger.export(OPERATOR, file.write)

    done: ExportResult = _run(ctx, work)
    if as_json:
        print_json(done)
    else:
        typer.echo(f"{done.leaves:,} leaves, {done.checkpoints:,} checkpoints, {done.parts:,} parts: {output}")


@ledger_app.command("key")
def key(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """Print the public key that checkpoints are verified with."""

    async def work(appliance: "Appliance") -> str:
        return appliance.ledger.public_key

    text: str = _run(ctx, work)
    if as_json:
        print_json({"key": text})
    else:
        typer.echo(text)


def _run(ctx: typer.Context, work: "Callable[[Appliance], Awaitable[Any]]") -> Any:  # noqa: ANN401 - the work's own result
    """Do something with the configured appliance."""
    line: CommandLine = ctx.obj

    async def run() -> Any:  # noqa: ANN401 - as above
        async with line.open() as appliance:
            return await work(appliance)

    return asyncio.run(run())


def _text_of(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{file} cannot be read as UTF-8 text: {error}") from error


@contextmanager
def _written(path: Path, mode: int) -> Iterator[IO[bytes]]:
    """A file that is there whole or not at all."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except (ConnectionError, TimeoutError):
        raise  # the database's, not the file's
    except OSError as error:
        raise typer.BadParameter(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        fresh.unlink(missing_ok=True)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None] | None]:
    """A line on the terminal that says how far it is; nothing where no person looks."""
    if not sys.stderr.isatty():
        yield None
        return

    def tell(done: int, total: int) -> None:
        typer.echo(f"\r{done:,} of {total:,} leaves", nl=False, err=True)

    try:
        yield tell
    finally:
        typer.echo("\r\x1b[2K", nl=False, err=True)


def _show(report: VerifyReport) -> None:
    for problem in report.problems:
        typer.echo(f"{problem.kind}: {problem.place}: {problem.sentence}")
    if report.problem_count > len(report.problems):
        typer.echo(f"... and {report.problem_count - len(report.problems):,} more")
    outside = (
        "no checkpoint from outside" if report.outside_size is None else f"outside: {report.outside_size:,} leaves"
    )
    typer.echo(
        f"{report.leaves:,} leaves, {report.checkpoints:,} checkpoints, {report.parts:,} parts "
        f"({report.missing_parts:,} deleted under retention), {report.unsealed:,} waiting; {outside}"
    )
    typer.echo(f"root {report.root}")
    typer.echo("The ledger is intact." if report.is_intact else f"NOT INTACT: {report.problem_count:,} problems.")
