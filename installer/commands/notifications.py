"""`leashctl notifications`: the delivery log, a test to a webhook, and dead letters."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from appliance.ledger.records import Actor, ActorKind
from appliance.notifications import log
from appliance.notifications.records import Delivery, DeliveryState
from installer.console import print_json
from installer.context import CommandLine

if TYPE_CHECKING:
    from appliance.bootstrap import Appliance

notifications_app = typer.Typer(
    help="The delivery log, webhooks, and dead letters.", no_args_is_help=True, rich_markup_mode=None
)
letters_app = typer.Typer(help="Deliveries that were given up.", no_args_is_help=True, rich_markup_mode=None)
notifications_app.add_typer(letters_app, name="dead-letter")

OPERATOR = Actor(kind=ActorKind.OPERATOR, id="leashctl")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Limit = Annotated[int, typer.Option(min=1, max=500, help="How many at most.")]


@notifications_app.command("list")
def list_deliveries(
    ctx: typer.Context,
    *,
    state: Annotated[DeliveryState | None, typer.Option(help="Only deliveries in this state.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Who was told of what, by which channel, and what came of it; newest first."""

    async def work(_appliance: "Appliance") -> None:
        _show(await log.deliveries(state=state, limit=limit), as_json=as_json)

    _run(ctx, work)


@notifications_app.command("webhooks")
def list_webhooks(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """The webhooks and chats that are told, and how they do."""

    async def work(appliance: "Appliance") -> None:
        found = await appliance.notifications.webhooks.list()
        if as_json:
            print_json(found)
            return
        for webhook in found:
            state = f"failing: {webhook.last_problem}" if webhook.last_problem else "works"
            typer.echo(f"{webhook.id}  {webhook.channel.value:<8} {webhook.host:<30} {webhook.name}: {state}")

    _run(ctx, work)


@notifications_app.command("test")
def send_test(
    ctx: typer.Context,
    webhook: Annotated[UUID, typer.Argument(metavar="WEBHOOK", help="As `webhooks` shows it.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Send a test to a webhook or chat; `list` tells within seconds what became of it."""

    async def work(appliance: "Appliance") -> None:
        await appliance.notifications.test_webhook(webhook, appliance.clock())
        if as_json:
            print_json({"webhook": webhook, "queued": True})
            return
        typer.echo("A test is on its way.")

    _run(ctx, work)


@letters_app.command("list")
def list_letters(ctx: typer.Context, *, limit: Limit = 50, as_json: AsJson = False) -> None:
    """What could not be delivered, newest first."""

    async def work(_appliance: "Appliance") -> None:
        _show(await log.deliveries(state=DeliveryState.DEAD, limit=limit), as_json=as_json)

    _run(ctx, work)


@letters_app.command("replay")
def replay(
    ctx: typer.Context,
    delivery: Annotated[UUID, typer.Argument(metavar="ID", help="As `dead-letter list` shows it.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Send a dead letter of a webhook or chat on its way again, under the same identifier."""

    async def work(appliance: "Appliance") -> None:
        await appliance.notifications.replay(OPERATOR, delivery, appliance.clock())
        if as_json:
            print_json({"id": delivery, "queued": True})
            return
        typer.echo(f"{delivery} is on its way again.")

    _run(ctx, work)


def _show(found: tuple[Delivery, ...], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    for line in found:
        when = f"{line.ended_at or line.due_at:%Y-%m-%d %H:%M}"
        who = line.person or line.destination
        outcome = f"  {line.outcome}" if line.outcome else ""
        typer.echo(f"{line.id}  {when}  {line.kind:<18} {line.channel:<8} {line.state:<11} {who}{outcome}")


def _run(ctx: typer.Context, work: Callable[["Appliance"], Awaitable[None]]) -> None:
    """Do some work with the configured appliance."""
    line: CommandLine = ctx.obj

    async def run() -> None:
        async with line.open() as appliance:
            await work(appliance)

    asyncio.run(run())
