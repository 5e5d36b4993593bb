"""`leashctl status`: what runs, and whether it is healthy."""

from typing import Annotated

import msgspec
import typer

from appliance.config import Config
from installer.console import print_json
from installer.context import CommandLine
from installer.errors import UNAVAILABLE
from installer.steps.database import embedded_server
from installer.steps.health import health
from installer.steps.lock import read
from installer.supervision.postgres import postmaster

status_app = typer.Typer(rich_markup_mode=None)
_READY = 200


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What is there.

    Attributes:
        up: process id of `leashctl up`; None if it does not run here.
        services: module -> process id of what it keeps running.
        postgres: process id of the embedded server's first process; None if it does not run or is not ours.
        is_ready: whether the service decides.
        health: the answer of /health/ready; None if nothing answered.
    """

    url: str
    up: int | None
    services: dict[str, int]
    postgres: int | None
    is_ready: bool
    health: object


@status_app.command("status")
def status(ctx: typer.Context, *, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Say what runs, and whether it is healthy; exit code 69 if the service does not decide."""
    line: CommandLine = ctx.obj
    found = _look(line.config)
    if as_json:
        print_json(found)
    else:
        typer.echo(f"address    {found.url}: {'ready' if found.is_ready else 'not ready'}")
        typer.echo(f"up         {f'process {found.up}' if found.up else 'does not run on this state directory'}")
        for module, pid in found.services.items():
            typer.echo(f"           {module}, process {pid}")
        typer.echo(f"database   {f'embedded, process {found.postgres}' if found.postgres else 'no embedded one runs'}")
    if not found.is_ready:
        raise typer.Exit(UNAVAILABLE)


def _look(config: Config) -> Status:
    running = read(config.state.directory)
    services = running.services if running else {}
    server = embedded_server(config)
    first = postmaster(server) if server is not None and (server.state / "postgres.json").exists() else None
    code, body = health(config)
    return Status(
        url=config.public_origin,
        up=running.pid if running else None,
        services={module: process.pid for module, process in services.items() if process.is_alive()},
        postgres=first.pid if first else None,
        is_ready=code == _READY,
        health=_decoded(body),
    )


def _decoded(body: bytes) -> object:
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None
