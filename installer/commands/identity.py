"""`leashctl identity`: test directories and providers, bring people up to their state, explain who somebody is."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar
from uuid import UUID

import typer

from appliance.agents.queries import machines
from appliance.identity.directories import queries
from appliance.identity.directories.plans import Run, RunKind, RunState
from appliance.identity.directories.records import ProbeSection
from appliance.identity.directories.service import Directories
from appliance.identity.directories.showing import lines_of_preview, lines_of_run
from appliance.identity.records import Origin
from appliance.identity.whois import who_is
from appliance.ledger.records import Actor, ActorKind
from installer.commands.identity_shown import Checked, Section, difference, found, run_facts, run_lines, tested
from installer.console import Console, print_json
from installer.context import CommandLine
from installer.errors import REFUSED

if TYPE_CHECKING:
    from appliance.bootstrap import Appliance

identity_app = typer.Typer(
    help="Directories and providers: test them, synchronise people, explain who somebody is.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
providers_app = typer.Typer(help="Providers of OpenID Connect.", no_args_is_help=True, rich_markup_mode=None)
identity_app.add_typer(providers_app, name="providers")

OPERATOR = Actor(kind=ActorKind.OPERATOR, id="leashctl")
MACHINES_MAX = 200
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before changing anything.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="As in the configuration's [directories.NAME].")]
RunId = Annotated[UUID, typer.Argument(metavar="RUN", help="As `runs` shows it.")]
T = TypeVar("T")


@identity_app.command("test")
def check_directory(
    ctx: typer.Context,
    *,
    directory: Annotated[str, typer.Option(metavar="NAME", help="Only this one; all if left out.")] = "",
    section: Annotated[
        Section | None,
        typer.Option(help="Only this part; all that need no password if left out, with --user also those of a user."),
    ] = None,
    user: Annotated[str, typer.Option(help="Somebody in the directory, as they type their name to sign in.")] = "",
    as_json: AsJson = False,
) -> None:
    """Try each part of a directory: what the server said, how long it took, and what to do next.

    `sign-in` asks for the password on the terminal. Nobody comes in by it, and the attempt is in the ledger.
    Exit code 1 says that a part failed.
    """
    if section in {Section.FIND_USER, Section.GROUPS, Section.SIGN_IN} and not user:
        raise typer.BadParameter("this section needs --user", param_hint="--section")
    password = typer.prompt(f"Password of {user}", hide_input=True, err=True) if section is Section.SIGN_IN else ""

    async def work(appliance: "Appliance") -> list[Checked]:
        names = (directory,) if directory else appliance.directories.names
        checked = []
        for name in names:
            if section is Section.SIGN_IN:
                checked.append(await _sign_in(appliance, name, user, password))
            else:
                checked += await _probe(appliance.directories, name, section, user)
        return checked

    results = _run(ctx, work)
    if as_json:
        print_json(results)
    elif not results:
        typer.echo("No directory is configured: see [directories.NAME] in the settings.", err=True)
    for line in [] if as_json else tested(results):
        typer.echo(line)
    if not all(each.is_ok for each in results):
        raise typer.Exit(REFUSED)


async def _probe(directories: Directories, name: str, section: Section | None, user: str) -> list[Checked]:
    port = directories.port(name)
    wanted = [ProbeSection(section.value.replace("-", "_"))] if section else list(ProbeSection)
    if not user:
        wanted = [each for each in wanted if each not in {ProbeSection.FIND_USER, ProbeSection.GROUPS}]
    return [Checked.of_probe(name, await port.probe(each, user)) for each in wanted]


async def _sign_in(appliance: "Appliance", name: str, user: str, password: str) -> Checked:
    trial = await appliance.trials.sign_in(OPERATOR, name, user, password, Origin(), appliance.clock())
    return Checked.of_trial(name, trial)


@identity_app.command("sync")
def sync(
    ctx: typer.Context,
    name: Name,
    *,
    full: Annotated[bool, typer.Option("--full", help="Read everything, whatever is due.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change; change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring the people of a directory up to its state now, and show what that changed.

    Exit code 1 says that the run failed, or that it stopped before it changed anything and waits for a person.
    """

    async def work(appliance: "Appliance") -> bool:
        if dry_run:
            return await _preview(appliance.directories, name, as_json=as_json)
        with Console(sys.stderr).step("sync") as step:
            run = await appliance.directories.sync(OPERATOR, name, RunKind.FULL if full else None)
            step.detail = f"{name} {run.state.value}"
        return await _show_run(run, as_json=as_json)

    if not _run(ctx, work):
        raise typer.Exit(REFUSED)


async def _preview(directories: Directories, name: str, *, as_json: bool) -> bool:
    with Console(sys.stderr).step("compare") as step:
        preview = await directories.preview(name)
        step.detail = f"{name} read"
    lines = await lines_of_preview(preview)
    facts = {"directory": name, "kind": preview.kind, "counts": preview.counts, "held": preview.held}
    _show(as_json, {**facts, "changes": lines}, difference(lines, preview.counts, preview.held))
    return True


@identity_app.command("runs")
def runs(
    ctx: typer.Context,
    name: Name,
    *,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the runs of a directory, newest first."""

    async def work(appliance: "Appliance") -> None:
        appliance.directories.port(name)
        history = await queries.runs(directory=name, limit=limit)
        _show(as_json, [run_facts(run) for run in history], run_lines(history))

    _run(ctx, work)


@identity_app.command("confirm")
def confirm(ctx: typer.Context, run: RunId, *, yes: Yes = False, as_json: AsJson = False) -> None:
    """Let a held run happen after all; nobody is disabled whom it did not show."""
    _decide(ctx, run, lambda directories: directories.confirm_run(OPERATOR, run), yes=yes, as_json=as_json)


@identity_app.command("reject")
def reject(ctx: typer.Context, run: RunId, *, yes: Yes = False, as_json: AsJson = False) -> None:
    """Refuse a held run; scheduled runs that would do the same fail until the directory shows something else."""
    _decide(ctx, run, lambda directories: directories.reject_run(OPERATOR, run), yes=yes, as_json=as_json)


@identity_app.command("undo")
def undo(ctx: typer.Context, run: RunId, *, yes: Yes = False, as_json: AsJson = False) -> None:
    """Let in again whom a run disabled, and give back the groups that it took."""
    _decide(ctx, run, lambda directories: directories.undo_run(OPERATOR, run), yes=yes, as_json=as_json)


def _decide(
    ctx: typer.Context, run_id: UUID, change: Callable[[Directories], Awaitable[Run]], *, yes: bool, as_json: bool
) -> None:
    """Show the run, ask, and do it."""

    async def work(appliance: "Appliance") -> None:
        run = await queries.run_by_id(run_id)
        lines = difference(await lines_of_run(run), run.counts, run.problem)
        for line in [] if yes and as_json else lines:
            typer.echo(line, err=True)
        if yes or typer.confirm("Do this?", abort=True, err=True):
            await _show_run(await change(appliance.directories), as_json=as_json)

    _run(ctx, work)


@identity_app.command("whois")
def whois(
    ctx: typer.Context,
    user: Annotated[str, typer.Argument(metavar="USER", help="User name, e-mail address or identifier.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Say who somebody is: accounts, directory entry, groups, roles and where each comes from, sessions, machines."""

    async def work(appliance: "Appliance") -> None:
        identity, directories = appliance.identity, appliance.directories
        known = await who_is(
            user, appliance.clock(), people=identity.people, sessions=identity.sessions, directories=directories
        )
        own = await machines(limit=MACHINES_MAX, person_id=known.person.id) if known.person else []
        _show(as_json, {"who": known, "machines": own}, found(known, own))

    _run(ctx, work)


@providers_app.command("test")
def check_provider(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="As in the configuration's [providers.NAME].")],
    *,
    as_json: AsJson = False,
) -> None:
    """Try discovery, keys and clock of a provider; a sign-in in a browser shows the rest."""

    async def work(appliance: "Appliance") -> bool:
        steps = await appliance.providers.probe(name, appliance.clock())
        _show(as_json, steps, tested([Checked.of_step(name, step) for step in steps]))
        return all(step.is_good for step in steps)

    if not _run(ctx, work):
        raise typer.Exit(REFUSED)


async def _show_run(run: Run, *, as_json: bool) -> bool:
    """The run with its difference; whether it came to its end as somebody wanted."""
    lines = await lines_of_run(run)
    _show(
        as_json, {**run_facts(run), "changes": lines}, [*run_lines([run]), *difference(lines, run.counts, run.problem)]
    )
    return run.state not in {RunState.FAILED, RunState.HELD}


def _show(as_json: bool, facts: object, lines: list[str]) -> None:  # noqa: FBT001 - what is chosen between stands first
    if as_json:
        print_json(facts)
        return
    for line in lines:
        typer.echo(line)


def _run(ctx: typer.Context, work: Callable[["Appliance"], Awaitable[T]]) -> T:
    """Do some work with the configured appliance."""
    line: CommandLine = ctx.obj

    async def run() -> T:
        async with line.open() as appliance:
            return await work(appliance)

    return asyncio.run(run())
