"""`leashctl config`: what is set, by whom, and whether it can be used."""

from typing import Annotated

import msgspec
import typer

from appliance.config import Loaded, Secret, Source
from appliance.config.settings import value_of
from installer.console import print_json
from installer.context import CommandLine

config_app = typer.Typer(help="Show and check the configuration.", no_args_is_help=True, rich_markup_mode=None)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_KEY_WIDTH, _VALUE_WIDTH = 38, 28


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """One setting as it is in force.

    Attributes:
        value: never a secret: `***` for one that is set, None for one that is not.
        source, place, secret_file: see `appliance.config.Provenance`.
    """

    key: str
    value: object
    source: Source
    place: str
    secret_file: str


@config_app.command("show")
def show(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """Print every setting with its value and where that comes from; secrets are never shown."""
    line: CommandLine = ctx.obj
    values = [_value(line.loaded, key) for key in line.loaded.provenance]
    if as_json:
        print_json(values)
        return
    for each in values:
        shown = "(not set)" if each.value is None else _plain(each.value)
        typer.echo(f"{each.key:<{_KEY_WIDTH}} {shown:<{_VALUE_WIDTH}} {_origin(each)}")


@config_app.command("check")
def check(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """Check the file, the environment and the secret files; exit code 78 if anything is unknown or wrong."""
    line: CommandLine = ctx.obj
    chosen = sum(1 for each in line.loaded.provenance.values() if each.source is not Source.DEFAULT)
    file = str(line.file) if line.file else None
    if as_json:
        print_json({"file": file, "chosen": chosen, "settings": len(line.loaded.provenance)})
    else:
        known = len(line.loaded.provenance)
        typer.echo(f"{file or 'No file'}: fine; {chosen} of {known} settings differ from the defaults' source.")


def _value(loaded: Loaded, key: str) -> Value:
    value, provenance = value_of(loaded.config, key), loaded.provenance[key]
    return Value(
        key=key,
        value=str(value) if isinstance(value, Secret) else msgspec.to_builtins(value, enc_hook=str),
        source=provenance.source,
        place=provenance.place,
        secret_file=provenance.secret_file,
    )


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "(none)"
    return str(value) if value != "" else '""'


def _origin(value: Value) -> str:
    words = [value.source.value, value.place, f"({value.secret_file})" if value.secret_file else ""]
    return " ".join(word for word in words if word)
