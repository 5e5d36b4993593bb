"""`leashctl policy`: look at the policies, check a text, publish it, go back."""

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from appliance.clock import utc_now
from appliance.ledger.records import Actor, ActorKind
from appliance.policy import queries, service
from appliance.policy.records import Problem, PublishedPolicy, Severity
from appliance.policy.validation import compile_policies
from installer.context import CommandLine

policy_app = typer.Typer(help="Write, check and publish the policies.", no_args_is_help=True, rich_markup_mode=None)

OPERATOR = Actor(kind=ActorKind.OPERATOR, id="leashctl")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before publishing.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change; publish nothing.")]
PolicyFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="Cedar text, or - for standard input.", allow_dash=True)
]
Version = Annotated[
    int | None, typer.Argument(metavar="[VERSION]", help="A published version; the active one if left out.")
]
Expected = Annotated[
    int | None, typer.Option("--expected-version", help="Publish only if this version is active; else it is read now.")
]


@policy_app.command("list")
def list_policies(ctx: typer.Context, version: Version = None, *, as_json: AsJson = False) -> None:
    """List the policies of a version, one a line."""
    published = _read(ctx, version)
    summaries = compile_policies(published.text, published.version).summaries()
    if as_json:
        _print_json({"version": published.version, "policies": msgspec.to_builtins(summaries)})
        return
    for each in summaries:
        typer.echo(f"{each.effect:<7} {each.id:<32} {each.title}")


@policy_app.command("show")
def show(ctx: typer.Context, version: Version = None, *, as_json: AsJson = False) -> None:
    """Print the text of a version."""
    published = _read(ctx, version)
    if as_json:
        _print_json(msgspec.to_builtins(published))
        return
    typer.echo(published.text, nl=False)


@policy_app.command("validate")
def validate(file: PolicyFile, *, as_json: AsJson = False) -> None:
    """Check a text without publishing it; exit code 1 if it has errors. Needs no database."""
    problems = service.validate_draft(_text_of(file))
    if as_json:
        _print_json({"problems": msgspec.to_builtins(problems)})
    else:
        _show_problems(problems)
    if any(problem.severity is Severity.ERROR for problem in problems):
        raise typer.Exit(1)


@policy_app.command("publish")
def publish(
    ctx: typer.Context,
    file: PolicyFile,
    *,
    note: Annotated[str, typer.Option(help="Why the policies change; kept with the version.")],
    expected_version: Expected = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Make a text the active version, after showing what changes."""
    text = _text_of(file)
    problems = service.validate_draft(text)
    if not as_json:
        _show_problems(problems)
    if any(problem.severity is Severity.ERROR for problem in problems):
        if as_json:
            _print_json({"problems": msgspec.to_builtins(problems)})
        raise typer.Exit(1)
    active = _run(ctx, queries.active_version())
    expected = expected_version if expected_version is not None else (active.version if active else 0)
    changes = service.compare(active.text if active else "", text, f"version {expected}", str(file))
    if _goes_on(changes, yes=yes, dry_run=dry_run, as_json=as_json):
        work = service.publish(OPERATOR, text, note, utc_now(), expected_version=expected)
        _show_published(_run(ctx, work), as_json=as_json)


@policy_app.command("rollback")
def rollback(
    ctx: typer.Context,
    version: Annotated[int, typer.Argument(metavar="VERSION", help="The version to go back to.")],
    *,
    expected_version: Expected = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Publish the text of an earlier version again, as a new version."""
    old, active = _read(ctx, version), _read(ctx, None)
    expected = expected_version if expected_version is not None else active.version
    changes = service.compare(active.text, old.text, f"version {active.version}", f"version {version}")
    if _goes_on(changes, yes=yes, dry_run=dry_run, as_json=as_json):
        work = service.rollback(OPERATOR, version, utc_now(), expected_version=expected)
        _show_published(_run(ctx, work), as_json=as_json)


@policy_app.command("history")
def history(
    ctx: typer.Context,
    *,
    limit: Annotated[int, typer.Option(min=1, max=queries.LARGEST_PAGE, help="How many at most.")] = 50,
    before: Annotated[int | None, typer.Option(metavar="VERSION", help="Only versions before this one.")] = None,
    as_json: AsJson = False,
) -> None:
    """List published versions, newest first."""
    versions: tuple[PublishedPolicy, ...] = _run(ctx, queries.history(before=before, limit=limit))
    if as_json:
        _print_json([{**msgspec.to_builtins(each), "text": None} for each in versions])
        return
    for each in versions:
        typer.echo(f"{each.version:>5}  {each.published_at:%Y-%m-%d %H:%M}  {each.author:<36}  {each.note}")


def _read(ctx: typer.Context, version: int | None) -> PublishedPolicy:
    if version is not None:
        found: PublishedPolicy = _run(ctx, queries.version_of(version))
        return found
    active: PublishedPolicy | None = _run(ctx, queries.active_version())
    if active is None:
        typer.echo("Nothing was published yet; the first start publishes the starter pack.", err=True)
        raise typer.Exit(1)
    return active


def _text_of(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{file} cannot be read as UTF-8 text: {error}") from error


def _goes_on(changes: str, *, yes: bool, dry_run: bool, as_json: bool) -> bool:
    """Show the changes; say whether to publish."""
    if as_json and dry_run:
        _print_json({"diff": changes})
    elif not as_json:
        typer.echo(changes or "The text is the same as the active one.")
    if dry_run:
        return False
    return yes or typer.confirm("Publish this?", abort=True, err=True)


def _show_problems(problems: tuple[Problem, ...]) -> None:
    for problem in problems:
        typer.echo(f"line {problem.line}: {problem.severity.value}: {problem.message}", err=True)
    if not problems:
        typer.echo("No problems found.", err=True)


def _show_published(published: PublishedPolicy, *, as_json: bool) -> None:
    if as_json:
        _print_json({"version": published.version, "digest": published.digest})
    else:
        typer.echo(f"Version {published.version} is active.")


def _run(ctx: typer.Context, work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - the coroutine's own result
    """Run one verb or query against the configured appliance."""
    line: CommandLine = ctx.obj

    async def run() -> Any:  # noqa: ANN401 - as above
        async with line.open():
            return await work

    try:
        return asyncio.run(run())
    finally:
        work.close()  # it never started if the appliance did not open


def _print_json(value: Any) -> None:  # noqa: ANN401 - any JSON value
    typer.echo(msgspec.json.encode(value).decode())
