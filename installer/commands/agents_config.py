"""`leashctl agents config`: the settings files that connect an agent, with the paths where its system wants them."""

from typing import Annotated

import typer

from appliance.agents.configuration import configuration_of
from appliance.agents.configuration.records import Request, Scope, System, Transport
from installer.console import print_json
from installer.context import CommandLine


def show_config(
    ctx: typer.Context,
    agent: Annotated[str, typer.Argument(metavar="AGENT", help="As in hook paths, such as `claude` or `codex`.")],
    *,
    scope: Annotated[Scope, typer.Option(help="Who can change the settings.")] = Scope.MANAGED,
    system: Annotated[System, typer.Option("--os", help="Of the machine with the agent.")] = System.LINUX,
    http: Annotated[
        bool, typer.Option("--http/--shim", help="Directly, where the agent blocks on failure, or through our shim.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print the settings files that connect an agent, and the commands that install the shim."""
    line: CommandLine = ctx.obj
    transport = Transport.HTTP if http else Transport.SHIM
    origin = line.config.public_origin
    made = configuration_of(agent, Request(origin=origin, scope=scope, system=system, transport=transport))
    if as_json:
        print_json(made)
        return
    if made.install:
        typer.echo(f"# In a shell of the machine:\n\n{made.install}")
    for file in made.files:
        typer.echo(f"# {file.path}  (mode {file.mode})\n\n{file.content}")
    for caution in made.cautions:
        typer.echo(caution, err=True)
