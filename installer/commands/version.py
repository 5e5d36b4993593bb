"""`leashctl version`: which release this is."""

import platform
from typing import Annotated

import typer

from appliance.release import version
from installer.console import print_json

version_app = typer.Typer(rich_markup_mode=None)


@version_app.command("version")
def show_version(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Say which release this is, and on which Python it runs."""
    facts = {"version": version(), "python": platform.python_version()}
    if as_json:
        print_json(facts)
    else:
        typer.echo(f"OpenLeash Private Cloud {facts['version']} (Python {facts['python']})")
