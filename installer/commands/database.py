"""`leashctl database`: migrate it, and look at its schema and its rights."""

import asyncio
from typing import Annotated

import typer

from installer.console import print_json
from installer.context import CommandLine
from installer.errors import REFUSED
from installer.steps.schema import DatabaseStatus, database_status, migrate_database, prepare_database

database_app = typer.Typer(help="Migrate the database and look at it.", no_args_is_help=True, rich_markup_mode=None)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@database_app.command("migrate")
def migrate(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """Make the roles, and bring the schema to this release; safe to repeat, and to run twice at once."""
    line: CommandLine = ctx.obj
    done = asyncio.run(migrate_database(line.config))
    if as_json:
        print_json(done)
    else:
        typer.echo("\n".join(done.applied) or "The schema is up to date.")


@database_app.command("prepare")
def prepare(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """Do what `up` does before it starts the services: migrate if the owner's URL is known, and make the first link.

    The link is one-time, for the first owner; there is none if somebody owns the installation already.
    """
    line: CommandLine = ctx.obj
    done = asyncio.run(prepare_database(line.config))
    if as_json:
        print_json(done)
        return
    typer.echo("The schema fits." if done.applied is None else "\n".join(done.applied) or "The schema is up to date.")
    if done.owner_link:
        typer.echo(f"Owner link: {done.owner_link}")


@database_app.command("status")
def status(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """Say which version, migrations and rights the service finds; exit code 1 if it would not start on them."""
    line: CommandLine = ctx.obj
    found = asyncio.run(database_status(line.config))
    if as_json:
        print_json(found)
    else:
        _show(found)
    if not found.is_usable:
        raise typer.Exit(REFUSED)


def _show(found: DatabaseStatus) -> None:
    kind = "embedded" if found.is_embedded else "external"
    typer.echo(f"server      PostgreSQL {found.server_version}, {kind}")
    typer.echo(f"migrations  {found.applied} applied, {len(found.missing)} missing, {len(found.unknown)} unknown")
    for name in (*found.missing, *found.unknown):
        typer.echo(f"            {name}")
    typer.echo(f"role        {found.role}: {found.excess_rights or 'cannot change the ledger'}")
    typer.echo(f"owner       {'is there' if found.has_owner else 'nobody yet: `leashctl people owner-link`'}")
