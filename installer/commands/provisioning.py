"""`leashctl provisioning`: tokens with which identity providers write people and groups by SCIM."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from appliance.identity.provisioning.records import ProvisioningToken
from appliance.identity.provisioning.tokens import create_token, revoke_token, tokens
from appliance.ledger.records import Actor, ActorKind
from installer.console import print_json
from installer.context import CommandLine

if TYPE_CHECKING:
    from appliance.bootstrap import Appliance

provisioning_app = typer.Typer(
    help="Identity providers that write people and groups here by SCIM.", no_args_is_help=True, rich_markup_mode=None
)
token_app = typer.Typer(help="Tokens of identity providers.", no_args_is_help=True, rich_markup_mode=None)
provisioning_app.add_typer(token_app, name="token")

OPERATOR = Actor(kind=ActorKind.OPERATOR, id="leashctl")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, and do not ask before changing anything.")]


@token_app.command("create")
def create(
    ctx: typer.Context,
    *,
    provider: Annotated[
        str,
        typer.Option(help="The identity provider, such as entra; tokens of one name see the same users and groups."),
    ],
    name: Annotated[str, typer.Option(help="What you will know the token by.")] = "",
    days: Annotated[int | None, typer.Option(help="How long it works; [provisioning] tokens_days if left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a token for an identity provider; it is shown only now."""

    async def work(appliance: "Appliance") -> None:
        life = appliance.config.provisioning.tokens_days if days is None else days
        made = await create_token(OPERATOR, provider=provider, name=name or provider, days=life, now=appliance.clock())
        url = f"{appliance.config.public_origin}/scim/v2"
        record = made.record
        if as_json:
            print_json({"token": made.token, "id": record.id, "expires_at": record.expires_at, "url": url})
            return
        typer.echo(made.token)
        typer.echo(f"It is shown only now, and works until {_moment(record.expires_at)} UTC.", err=True)
        typer.echo(f"Give it to the identity provider as bearer token, with the address {url}", err=True)

    _run(ctx, work)


@token_app.command("list")
def list_tokens(
    ctx: typer.Context,
    *,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many at most.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List the tokens of identity providers, newest first."""

    async def work(appliance: "Appliance") -> None:
        found = await tokens(limit=limit)
        if as_json:
            print_json(found)
            return
        for token in found:
            used = _moment(token.last_used_at) if token.last_used_at else "never"
            state = _state_of(token, appliance.clock())
            until = _moment(token.expires_at)
            typer.echo(f"{token.id}  {token.provider:<12} {state:<8} until {until}  used {used:<16}  {token.name}")

    _run(ctx, work)


@token_app.command("revoke")
def revoke(
    ctx: typer.Context,
    token_id: Annotated[UUID, typer.Argument(metavar="ID", help="As `list` shows it.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before changing anything.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change; change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """End a token at once; people and groups that were written with it stay."""

    async def work(appliance: "Appliance") -> None:
        typer.echo(f"The identity provider writes nothing any more with token {token_id}.", err=True)
        if dry_run or not (yes or as_json or typer.confirm("Do this?", abort=True, err=True)):
            return
        await revoke_token(OPERATOR, token_id, now=appliance.clock())
        if as_json:
            print_json({"id": token_id, "revoked": True})
            return
        typer.echo(f"{token_id} is revoked.")

    _run(ctx, work)


def _run(ctx: typer.Context, work: Callable[["Appliance"], Awaitable[None]]) -> None:
    """Do some work with the configured appliance."""
    line: CommandLine = ctx.obj

    async def run() -> None:
        async with line.open() as appliance:
            await work(appliance)

    asyncio.run(run())


def _state_of(token: ProvisioningToken, now: datetime) -> str:
    if token.revoked_at:
        return "revoked"
    return "expired" if token.expires_at <= now else "live"


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
