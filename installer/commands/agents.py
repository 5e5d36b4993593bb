"""`leashctl agents`: deployment tokens, with which machines enrol, and the machines that did."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, TypeVar
from uuid import UUID

import typer

from appliance.agents.queries import deployment_tokens, machine_by_id, machines
from appliance.agents.records import DeploymentTerms, DeploymentToken, Machine
from appliance.agents.service import create_deployment_token, revoke_deployment_token, revoke_machine
from appliance.ledger.records import Actor, ActorKind
from installer.commands.agents_config import show_config
from installer.console import print_json
from installer.context import CommandLine

if TYPE_CHECKING:
    from appliance.bootstrap import Appliance

agents_app = typer.Typer(help="Deployment tokens and enrolled machines.", no_args_is_help=True, rich_markup_mode=None)
token_app = typer.Typer(help="Tokens with which machines enrol.", no_args_is_help=True, rich_markup_mode=None)
machine_app = typer.Typer(help="Enrolled machines.", no_args_is_help=True, rich_markup_mode=None)
agents_app.add_typer(token_app, name="token")
agents_app.add_typer(machine_app, name="machine")
agents_app.command("config")(show_config)

OPERATOR = Actor(kind=ActorKind.OPERATOR, id="leashctl")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, and do not ask before changing anything.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before changing anything.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would change; change nothing.")]
Identifier = Annotated[UUID, typer.Argument(metavar="ID", help="As `list` shows it.")]
Limit = Annotated[int, typer.Option(min=1, max=500, help="How many at most.")]
T = TypeVar("T")


@token_app.command("create")
def create_token(
    ctx: typer.Context,
    *,
    name: Annotated[str, typer.Option(help="What you will know it by.")],
    days: Annotated[
        int | None, typer.Option(help="How long it enrols; [agents] deployment_token_days if left out.")
    ] = None,
    max_uses: Annotated[int | None, typer.Option(help="How many machines it enrols; no limit if left out.")] = None,
    email_domain: Annotated[
        list[str] | None, typer.Option(help="Only machines of people in this e-mail domain; may be repeated.")
    ] = None,
    default_email: Annotated[str, typer.Option(help="Whose a machine is that enrols without an address.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make a token with which machines enrol; it is shown only now."""

    async def work(appliance: "Appliance") -> None:
        terms = DeploymentTerms(
            name=name,
            days=appliance.config.agents.deployment_token_days if days is None else days,
            email_domains=tuple(email_domain or ()),
            default_email=default_email,
            max_uses=max_uses,
        )
        made = await create_deployment_token(OPERATOR, terms, now=appliance.clock())
        record = made.record
        if as_json:
            print_json({"token": made.token, "id": record.id, "expires_at": record.expires_at})
            return
        typer.echo(made.token)
        typer.echo(f"It is shown only now, and enrols machines until {_moment(record.expires_at)} UTC.", err=True)
        origin = appliance.config.public_origin
        typer.echo(f"On a machine: openleash enroll --tenant {origin} --api-url {origin} --token TOKEN", err=True)

    _run(ctx, work)


@token_app.command("list")
def list_tokens(ctx: typer.Context, *, limit: Limit = 50, as_json: AsJson = False) -> None:
    """List deployment tokens, newest first."""

    async def work(appliance: "Appliance") -> None:
        found = await deployment_tokens(limit=limit)
        if as_json:
            print_json(found)
            return
        for token in found:
            uses = f"{token.uses}/{token.max_uses}" if token.max_uses else str(token.uses)
            state = _state_of(token, appliance.clock())
            typer.echo(f"{token.id}  {state:<8} {uses:>9}  until {_moment(token.expires_at)}  {token.name}")

    _run(ctx, work)


@token_app.command("revoke")
def revoke_token(
    ctx: typer.Context, token_id: Identifier, *, yes: Yes = False, dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """End a deployment token; machines that it enrolled stay."""

    async def work(appliance: "Appliance") -> None:
        if _goes_on(f"Deployment token {token_id} enrols nobody any more", yes=yes or as_json, dry_run=dry_run):
            await revoke_deployment_token(OPERATOR, token_id, now=appliance.clock())
            _done(token_id, as_json=as_json)

    _run(ctx, work)


@machine_app.command("list")
def list_machines(
    ctx: typer.Context,
    *,
    limit: Limit = 50,
    before: Annotated[UUID | None, typer.Option(metavar="ID", help="Only machines older than this one.")] = None,
    as_json: AsJson = False,
) -> None:
    """List enrolled machines, newest first."""
    found: list[Machine] = _run(ctx, lambda _appliance: machines(before=before, limit=limit))
    if as_json:
        print_json(found)
        return
    for machine in found:
        state = "revoked" if machine.revoked_at else "superseded" if machine.superseded_by else "enrolled"
        seen = _moment(machine.last_seen_at) if machine.last_seen_at else "never"
        typer.echo(f"{machine.id}  {state:<10} seen {seen:<16}  {machine.hostname}  {machine.email}")


@machine_app.command("revoke")
def revoke_one_machine(
    ctx: typer.Context, machine_id: Identifier, *, yes: Yes = False, dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """End a machine's token: its agents are denied from then on."""

    async def work(appliance: "Appliance") -> None:
        machine = await machine_by_id(machine_id)
        change = f"The agents on {machine.hostname} ({machine.email or 'nobody'}) are denied everything"
        if _goes_on(change, yes=yes or as_json, dry_run=dry_run):
            await revoke_machine(OPERATOR, machine_id, now=appliance.clock())
            _done(machine_id, as_json=as_json)

    _run(ctx, work)


def _run(ctx: typer.Context, work: Callable[["Appliance"], Awaitable[T]]) -> T:
    """Do some work with the configured appliance."""
    line: CommandLine = ctx.obj

    async def run() -> T:
        async with line.open() as appliance:
            return await work(appliance)

    return asyncio.run(run())


def _goes_on(change: str, *, yes: bool, dry_run: bool) -> bool:
    """Say what is about to happen; whether it should."""
    typer.echo(f"{change}.", err=True)
    return not dry_run and (yes or typer.confirm("Do this?", abort=True, err=True))


def _done(identifier: UUID, *, as_json: bool) -> None:
    if as_json:
        print_json({"id": identifier, "revoked": True})
        return
    typer.echo(f"{identifier} is revoked.")


def _state_of(token: DeploymentToken, now: datetime) -> str:
    if token.revoked_at:
        return "revoked"
    if token.expires_at <= now:
        return "expired"
    return "used up" if token.max_uses and token.uses >= token.max_uses else "live"


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
