"""`leashctl`: the command line of the installation's administrators."""

import os
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from appliance.errors import LeashError
from installer.context import CommandLine
from installer.errors import SOFTWARE, report
from installer.groups import LazyGroup

app = typer.Typer(
    cls=LazyGroup,
    name="leashctl",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def options(
    ctx: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The configuration; config.toml in the working directory if left out."),
    ] = None,
) -> None:
    """Start, look after and ask an OpenLeash Private Cloud."""
    ctx.obj = CommandLine(config, os.environ)


def main() -> None:
    """Run one command; every expected error is a message and an exit code, never a trace."""
    try:
        app(prog_name="leashctl")
    except LeashError as error:
        sys.exit(report(error, as_json="--json" in sys.argv))
    except Exception:  # noqa: BLE001 - told whole, with the exit code that means it
        traceback.print_exc()
        sys.exit(SOFTWARE)
