"""`leashctl break-glass`: the owner behind glass, for the day when nobody else can sign in."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import msgspec
import typer

from appliance.identity.break_glass.errors import NobodySealedError, UnsealingUnknownError
from appliance.identity.break_glass.records import Sheet, Status, Waiting
from appliance.identity.records import Origin
from installer.commands.people import OPERATOR, AsJson, Yes
from installer.context import CommandLine

if TYPE_CHECKING:
    from appliance.bootstrap import Appliance

break_glass_app = typer.Typer(
    help="The owner behind glass, for emergencies.", no_args_is_help=True, rich_markup_mode=None
)
T = TypeVar("T")


@break_glass_app.command("seal")
def seal(
    ctx: typer.Context,
    *,
    email: Annotated[str, typer.Option(help="Address of the owner who goes behind glass; made if nobody has it.")],
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Put an owner behind glass, or make a new sheet for the one who is there; print the sheet, this once."""
    typer.echo(f"Every other way in of {email} is closed, and older sheets stop working.", err=True)
    if not yes:
        typer.confirm("Do this?", abort=True, err=True)

    async def work(appliance: "Appliance") -> tuple[Sheet, str]:
        return await appliance.break_glass.seal(OPERATOR, email, appliance.clock()), appliance.config.public_origin

    sheet, origin = _run(ctx, work)
    if as_json:
        typer.echo(msgspec.json.encode(sheet).decode())
    else:
        _show_sheet(sheet, origin)


@break_glass_app.command("unseal")
def unseal(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """Break the glass with the sheet, which is asked for; print an address that signs a browser in as owner."""
    password = typer.prompt("Password on the sheet", hide_input=True, err=True)
    token = typer.prompt("Token on the sheet", hide_input=True, err=True)

    async def work(appliance: "Appliance") -> None:
        begun = await appliance.break_glass.unseal(
            OPERATOR, password=password, token=token, origin=Origin(user_agent="leashctl"), now=appliance.clock()
        )
        url = f"{appliance.config.public_origin}/break-glass/open/{begun.token}"
        if as_json:
            told = {"url": url, "is_confirmed": begun.is_confirmed, "expires_at": begun.expires_at}
            typer.echo(msgspec.json.encode(told).decode())
            return
        typer.echo(url)
        typer.echo(f"It works once, until {begun.expires_at:%Y-%m-%d %H:%M} UTC.", err=True)
        if not begun.is_confirmed:
            typer.echo("Another owner must confirm at /break-glass first.", err=True)

    _run(ctx, work)


@break_glass_app.command("confirm")
def confirm(ctx: typer.Context, *, yes: Yes = False) -> None:
    """Be the second person for an unsealing that somebody began on the page."""

    async def waiting(appliance: "Appliance") -> Waiting | None:
        found = await appliance.break_glass.waiting(appliance.clock())
        return next((each for each in found if not each.is_confirmed), None)

    found = _run(ctx, waiting)
    if found is None:
        raise UnsealingUnknownError
    typer.echo(f"Somebody typed the sheet at {found.created_at:%H:%M:%S} UTC and comes in as owner.", err=True)
    if not yes:
        typer.confirm("Do you know who it is?", abort=True, err=True)
    _run(ctx, lambda appliance: appliance.break_glass.confirm(OPERATOR, found.id, appliance.clock()))


@break_glass_app.command("status")
def status(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """Tell whether the sheet in the safe works, and whether the glass is broken now."""
    found = _run(ctx, lambda appliance: appliance.break_glass.status(appliance.clock()))
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
        return
    if found is None:
        raise NobodySealedError
    _show_status(found)


@break_glass_app.command("remove")
def remove(ctx: typer.Context, *, yes: Yes = False) -> None:
    """Take the owner from behind the glass; `leashctl people reset` gives them an everyday way in."""
    typer.echo("The sheet stops working, and nobody is behind glass any more.", err=True)
    if not yes:
        typer.confirm("Do this?", abort=True, err=True)
    _run(ctx, lambda appliance: appliance.break_glass.remove(OPERATOR, appliance.clock()))


def _run(ctx: typer.Context, work: Callable[["Appliance"], Awaitable[T]]) -> T:
    """Do some work with the configured appliance."""
    line: CommandLine = ctx.obj

    async def run() -> T:
        async with line.open() as appliance:
            return await work(appliance)

    return asyncio.run(run())


def _show_sheet(sheet: Sheet, origin: str) -> None:
    typer.echo(f"""OpenLeash Private Cloud: break-glass sheet of {sheet.sealed_at:%Y-%m-%d}

  Address   {origin}/break-glass
  Account   {sheet.email}
  Password  {sheet.password}
  Token     {sheet.token}

It opens one session as owner and is used up by that. Make a new sheet afterwards:
  leashctl break-glass seal --email {sheet.email}""")
    typer.echo("This is shown only now. Print it, keep it in a safe, and clear this screen.", err=True)


def _show_status(found: Status) -> None:
    typer.echo(f"Account    {found.email}")
    typer.echo(f"Sealed     {found.sealed_at:%Y-%m-%d %H:%M} UTC")
    typer.echo(f"Sheet      {'works' if found.has_token else 'used up: make a new one with seal'}")
    typer.echo(f"Open until {found.open_until:%Y-%m-%d %H:%M} UTC" if found.open_until else "Open       no")
    for each in found.waiting:
        state = "confirmed" if each.is_confirmed else "waits for a second person"
        typer.echo(f"Unsealing  {state}, lapses {each.expires_at:%H:%M:%S} UTC")
